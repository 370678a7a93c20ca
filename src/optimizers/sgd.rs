//! Gradient descent, with Keras' momentum or Nesterov's (Sutskever et al., 2013).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::{not_negative, part};
use super::rule::{Rule, State, StateInitial};
use crate::kernels::{self, Kernel, SgdMomentum, Updates};

/// Its updates are `shaders/sgd.wgsl` and, with momentum, `shaders/sgd_momentum.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The part of the velocity that a step keeps; without, there is no velocity.
    pub momentum: f64,
    /// Whether Nesterov's: a weight moves as far as its velocity will be after another step of the same gradient.
    pub nesterov: bool,
    /// See [`Rule::weight_decay`].
    pub weight_decay: f64,
}

impl Sgd {
    /// How each value moves.
    pub const STATES: [State; 1] = [State { name: "velocity", initial: StateInitial::Zeros }];
}

impl Rule for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn states(&self) -> &'static [State] {
        if self.momentum > 0.0 { &Self::STATES } else { &[] }
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn step(&self, learning_rate: f64, _: u32) -> f64 {
        learning_rate
    }

    fn update(&self, updates: Updates) -> Arc<dyn Kernel> {
        let Self { momentum, nesterov, .. } = *self;
        match momentum > 0.0 {
            true => Arc::new(SgdMomentum { updates, momentum, nesterov }),
            false => Arc::new(kernels::Sgd { updates }),
        }
    }

    fn check(&self) -> Result<(), String> {
        part("momentum", self.momentum)?;
        not_negative("weight_decay", self.weight_decay)
    }
}
