//! What is done to the training images before the network sees them.

use serde::{Deserialize, Serialize};

use crate::layers::Key;

/// The section `[augmentation]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {}

pub(super) const KEYS: [Key; 0] = [];

impl Augmentation {
    /// # Errors
    /// None yet.
    pub fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
