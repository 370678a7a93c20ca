//! Adam with decoupled weight decay (Loshchilov and Hutter, 2019): in Keras, Adam with another default.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::rule::{Rule, State};
use crate::kernels::{Kernel, Updates};

/// See [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    pub beta_1: f64,
    pub beta_2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
}

impl AdamW {
    fn adam(&self) -> Adam {
        let Self { beta_1, beta_2, epsilon, weight_decay } = *self;
        Adam { beta_1, beta_2, epsilon, weight_decay }
    }
}

impl Default for AdamW {
    /// Keras' defaults.
    fn default() -> Self {
        let Adam { beta_1, beta_2, epsilon, .. } = Adam::default();
        Self { beta_1, beta_2, epsilon, weight_decay: 0.004 }
    }
}

impl Rule for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn states(&self) -> &'static [State] {
        &Adam::STATES
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn step(&self, learning_rate: f64, time: u32) -> f64 {
        self.adam().step(learning_rate, time)
    }

    fn update(&self, updates: Updates) -> Arc<dyn Kernel> {
        self.adam().update(updates)
    }

    fn check(&self) -> Result<(), String> {
        self.adam().check()
    }
}
