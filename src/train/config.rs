//! What a run is made with: everything that decides its numbers, but the data and the device.

use serde::{Deserialize, Serialize};

use crate::data::{Split, train_validation_split};
use crate::error::{Error, Result};
use crate::kernels::Tiling;
use crate::model::{Model, resolve};

/// A run's configuration with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub epochs: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
    /// Of the initial weights, the shuffling and the dropout.
    pub seed: u64,
    pub split_seed: u32,
    /// The part of the training file that is held out.
    pub validation_fraction: f64,
    /// Whether each epoch visits the training samples in another order.
    pub shuffle: bool,
    /// Another tile is another order of sums.
    pub tiles: Tiling,
    pub model: Model,
}

/// An epoch's number, which its shuffling is drawn from, has 32 bits.
const MOST_EPOCHS: usize = u32::MAX as usize;
/// Far beyond any device's memory, and far from where the arithmetic of a plan's sizes would wrap.
const LARGEST_BATCH: usize = 1 << 24;

/// Refuses a batch size that no device could train with.
///
/// # Errors
/// [`Error::Usage`] naming the option and its remedy.
pub fn check_batch_size(batch_size: usize) -> Result<()> {
    match batch_size {
        0 => Err(Error::Usage("--batch-size 0: nothing to train with; give 1 or more".into())),
        1..=LARGEST_BATCH => Ok(()),
        _ => Err(Error::Usage(format!("--batch-size {batch_size}: too large; give at most {LARGEST_BATCH}"))),
    }
}

impl Config {
    /// Refuses what no data set could make possible.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the option and its remedy.
    pub fn check(&self) -> Result<()> {
        let refuse = |problem: String| Err(Error::Usage(problem));
        if self.epochs == 0 {
            return refuse("--epochs 0: nothing to train; give 1 or more".into());
        }
        if self.epochs > MOST_EPOCHS {
            return refuse(format!("--epochs {}: too many to count; give at most {MOST_EPOCHS}", self.epochs));
        }
        check_batch_size(self.batch_size)?;
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return refuse(format!(
                "--learning-rate {}: not a positive number; give one such as 1e-3",
                self.learning_rate
            ));
        }
        resolve(&self.model).map(drop)
    }

    /// The samples of a training file of `count` to train and to validate with.
    ///
    /// # Errors
    /// [`Error::Usage`] when the fraction or the batch size does not fit the data.
    pub fn split(&self, count: usize) -> Result<Split> {
        let split = train_validation_split(count, self.validation_fraction, self.split_seed)?;
        match split.train.len() {
            samples if samples < self.batch_size => Err(Error::Usage(format!(
                "--batch-size {}: only {samples} samples to train with; give at most {samples}",
                self.batch_size
            ))),
            _ => Ok(split),
        }
    }
}
