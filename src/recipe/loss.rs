//! What is minimised: softmax cross-entropy.

use serde::{Deserialize, Serialize};

use super::Section;
use crate::layers::Kind;

/// The section `[loss]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Loss {
    /// The part of each target that all classes share equally: onehot * (1 - s) + s / classes.
    pub label_smoothing: f64,
}

pub(super) const SECTION: Section = Section { name: "loss", keys: &[("label_smoothing", Kind::Rate)], types: &[] };

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
