//! How long is trained, in which batches, and with which samples.

use serde::{Deserialize, Serialize};

use super::Section;
use crate::layers::Kind;
use crate::precision::Precision;

/// Samples a step where nothing else is asked for.
pub const BATCH_SIZE: usize = 512;

/// The section `[training]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    pub epochs: usize,
    /// Samples a step.
    pub batch_size: usize,
    /// The part of the training file that is held out; of 0, nothing is validated.
    pub validation_fraction: f64,
    /// Whether the last batch of an epoch is left out where it is smaller than the others.
    pub drop_remainder: bool,
    /// In how many bits activations and their gradients are stored.
    pub precision: Precision,
    /// Whether the averages of the weights are what is evaluated and exported, where the optimizer keeps some; by
    /// default they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<bool>,
}

pub(super) const SECTION: Section = Section {
    name: "training",
    keys: &[
        ("epochs", Kind::Count),
        ("batch_size", Kind::Count),
        ("validation_fraction", Kind::Rate),
        ("drop_remainder", Kind::Flag),
        ("precision", Kind::Choice(&["f32", "bf16", "f16"])),
        ("average", Kind::Flag),
    ],
    types: &[],
};

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: BATCH_SIZE,
            validation_fraction: 0.2,
            drop_remainder: false,
            precision: Precision::F32,
            average: None,
        }
    }
}

impl Training {
    /// `averages` says whether the optimizer keeps any.
    ///
    /// # Errors
    /// Where a value is none, or there are no averages to take.
    pub fn check(&self, averages: bool) -> Result<(), String> {
        if !(0.0..1.0).contains(&self.validation_fraction) {
            return Err(format!("validation_fraction is {}; give one from 0 to below 1", self.validation_fraction));
        }
        match self.average {
            Some(true) if !averages => {
                Err("average is true, but the optimizer keeps none; give ema_momentum in [optimizer]".into())
            }
            _ => Ok(()),
        }
    }
}
