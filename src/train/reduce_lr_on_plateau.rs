//! Keras' `ReduceLROnPlateau`: a smaller learning rate once a training no longer improves.

use serde::{Deserialize, Serialize};

use super::Monitor;

/// The callback's arguments, by Keras' names and with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReduceLrOnPlateau {
    /// The new learning rate is the old one times this.
    pub factor: f64,
    /// Epochs without an improvement after which the learning rate is reduced.
    pub patience: usize,
    /// An improvement is more than this.
    pub min_delta: f64,
    /// Epochs after a reduction that do not count.
    pub cooldown: usize,
    /// The smallest learning rate.
    pub min_lr: f64,
}

impl Default for ReduceLrOnPlateau {
    fn default() -> Self {
        Self { factor: 0.1, patience: 10, min_delta: 1e-4, cooldown: 0, min_lr: 0.0 }
    }
}

/// What the callback has seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// The best monitored value.
    pub best: Option<f64>,
    /// Epochs without an improvement.
    pub wait: usize,
    /// Epochs left that do not count.
    pub cooldown: usize,
}

impl ReduceLrOnPlateau {
    /// Sees an epoch's value; the new learning rate where it is another than `learning_rate`.
    pub fn observe(&self, state: &mut PlateauState, monitor: Monitor, value: f64, learning_rate: f64) -> Option<f64> {
        if state.cooldown > 0 {
            state.cooldown -= 1;
            state.wait = 0;
        }
        if state.best.is_none_or(|best| monitor.improves(value, self.min_delta, best)) {
            state.best = Some(value);
            state.wait = 0;
            return None;
        }
        if state.cooldown > 0 {
            return None;
        }
        state.wait = state.wait.saturating_add(1);
        if state.wait < self.patience || learning_rate <= self.min_lr {
            return None;
        }
        state.cooldown = self.cooldown;
        state.wait = 0;
        Some((learning_rate * self.factor).max(self.min_lr))
    }
}
