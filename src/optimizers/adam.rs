//! Adam (Kingma and Ba, 2015) in Keras' form.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::{not_negative, part, positive};
use super::rule::{Rule, State, StateInitial};
use crate::kernels::{self, Kernel, Updates};

/// Its update is `shaders/adam.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// The part of the first moment that a step keeps.
    pub beta_1: f64,
    /// The part of the second moment that a step keeps.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// See [`Rule::weight_decay`].
    pub weight_decay: f64,
}

impl Adam {
    /// Moving averages of the gradient and of its square.
    pub const STATES: [State; 2] = [
        State { name: "first_moment", initial: StateInitial::Zeros },
        State { name: "second_moment", initial: StateInitial::Zeros },
    ];
}

impl Default for Adam {
    /// Keras' defaults.
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, weight_decay: 0.0 }
    }
}

impl Rule for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn states(&self) -> &'static [State] {
        &Self::STATES
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    /// The learning rate with both bias corrections.
    fn step(&self, learning_rate: f64, time: u32) -> f64 {
        let time = f64::from(time);
        learning_rate * (1.0 - self.beta_2.powf(time)).sqrt() / (1.0 - self.beta_1.powf(time))
    }

    fn update(&self, updates: Updates) -> Arc<dyn Kernel> {
        let Self { beta_1, beta_2, epsilon, .. } = *self;
        Arc::new(kernels::Adam { updates, beta_1, beta_2, epsilon })
    }

    fn check(&self) -> Result<(), String> {
        part("beta_1", self.beta_1)?;
        part("beta_2", self.beta_2)?;
        positive("epsilon", self.epsilon)?;
        not_negative("weight_decay", self.weight_decay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{MicroBatches, StepNumbers, Value};

    /// In f64 first: 1 - 0.9 in f32 is another number than 0.1.
    #[test]
    fn what_is_left_of_a_beta_is_rounded_once() {
        let (micro_batches, numbers) = (MicroBatches::ONE, StepNumbers::default());
        let updates = Updates { variables: Vec::new(), micro_batches, numbers, read_ahead: false };
        let constants = Adam::default().update(updates).constants();
        let constant = |name| constants.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
        assert_eq!(constant("STEP_1"), Some(Value::F32(0.1)));
        assert_eq!(constant("STEP_2"), Some(Value::F32(0.001)));
        assert_eq!(constant("EPSILON"), Some(Value::F32(1e-7)));
        assert_ne!(1.0 - 0.9_f32, 0.1);
    }

    /// By hand: 1e-3 sqrt(1 - 0.999) / (1 - 0.9), and what it comes to.
    #[test]
    fn the_rate_begins_small_and_ends_at_the_learning_rate() {
        let rate = |time| Adam::default().step(1e-3, time) as f32;
        assert_eq!(rate(1), 3.162_277_6e-4);
        assert_eq!(rate(100_000), 1e-3);
    }
}
