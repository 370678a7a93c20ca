//! The figure of an epoch that callbacks watch, and what counts as an improvement of it.

use serde::{Deserialize, Serialize};

use super::EpochResult;

/// A figure by Keras' name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    ValLoss,
    ValAccuracy,
    Loss,
    Accuracy,
}

impl Monitor {
    /// The epoch's figure; none where nothing was validated.
    pub fn of(self, result: &EpochResult) -> Option<f64> {
        match self {
            Monitor::ValLoss => result.val_loss,
            Monitor::ValAccuracy => result.val_accuracy,
            Monitor::Loss => Some(result.loss),
            Monitor::Accuracy => Some(result.accuracy),
        }
    }

    /// Keras' name.
    pub fn name(self) -> &'static str {
        match self {
            Monitor::ValLoss => "val_loss",
            Monitor::ValAccuracy => "val_accuracy",
            Monitor::Loss => "loss",
            Monitor::Accuracy => "accuracy",
        }
    }

    /// Whether it is of the validation.
    pub fn validates(self) -> bool {
        matches!(self, Monitor::ValLoss | Monitor::ValAccuracy)
    }

    /// Whether `value` is better than `best` by more than `min_delta`. Compared in f32, as Keras does: 0.3 is not less
    /// than 0.2 + 0.1 because of a digit that no metric has.
    pub fn improves(self, value: f64, min_delta: f64, best: f64) -> bool {
        match self {
            Monitor::ValLoss | Monitor::Loss => ((value + min_delta) as f32) < best as f32,
            Monitor::ValAccuracy | Monitor::Accuracy => (value - min_delta) as f32 > best as f32,
        }
    }
}
