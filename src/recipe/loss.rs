//! What is minimised: softmax cross-entropy.

use serde::{Deserialize, Serialize};

use crate::layers::{Key, Kind};

/// The section `[loss]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Loss {
    /// The part of each target that all classes share equally: onehot * (1 - s) + s / classes.
    pub label_smoothing: f32,
}

pub(super) const KEYS: [Key; 1] = [("label_smoothing", Kind::Rate)];

impl Loss {
    /// # Errors
    /// Where the smoothing leaves nothing of the label.
    pub fn check(&self) -> Result<(), String> {
        match self.label_smoothing {
            part if (0.0..1.0).contains(&part) => Ok(()),
            part => Err(format!("label_smoothing is {part}; give one from 0 to below 1")),
        }
    }
}
