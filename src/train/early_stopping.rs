//! Keras' `EarlyStopping`: ends a training that no longer improves.

use serde::{Deserialize, Serialize};

use super::Monitor;

/// The callback's arguments, by Keras' names and with its defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// An improvement is more than this.
    pub min_delta: f64,
    /// Epochs without an improvement after which training ends.
    pub patience: usize,
    /// Only an epoch that is better than this, too, makes patience begin again.
    pub baseline: Option<f64>,
    /// Epochs at the beginning that do not count.
    pub start_from_epoch: usize,
    /// Whether a training ends with the weights of its best epoch.
    pub restore_best_weights: bool,
}

/// What the callback has seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EarlyStoppingState {
    pub best: Option<Best>,
    /// Epochs without an improvement.
    pub wait: usize,
}

/// The best epoch, counted from 1, and its monitored value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    pub epoch: usize,
    pub value: f64,
}

impl EarlyStopping {
    /// Sees an epoch's value; whether it is the best so far.
    pub fn observe(&self, state: &mut EarlyStoppingState, monitor: Monitor, epoch: usize, value: f64) -> bool {
        if epoch <= self.start_from_epoch {
            return false;
        }
        state.wait = state.wait.saturating_add(1);
        let best = state.best.is_none_or(|best| monitor.improves(value, self.min_delta, best.value));
        if best {
            state.best = Some(Best { epoch, value });
            if self.baseline.is_none_or(|baseline| monitor.improves(value, self.min_delta, baseline)) {
                state.wait = 0;
            }
        }
        best
    }

    /// Whether training ends after `epoch`, the last one that the state has seen. It follows from the state, so that
    /// more patience lets a run go on as if it had had it from the start.
    pub fn stops_after(&self, epoch: usize, state: &EarlyStoppingState) -> bool {
        state.wait >= self.patience && state.best.is_some_and(|best| best.epoch < epoch)
    }
}
