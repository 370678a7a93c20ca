//! `--split-seed`, `--validation-fraction` and `--train-count`: which samples train and which validate.

use clap::Args;

use crate::data::{Split, train_validation_split};
use crate::error::Result;
use crate::recipe::Training;

/// The options, the same in every subcommand that holds samples out.
#[derive(Args)]
pub struct SplitOptions {
    /// scikit-learn's random_state of the split into training and validation samples
    #[arg(long, default_value_t = 2020, value_name = "SEED")]
    pub split_seed: u32,
    /// The part of the training samples to validate with [default: 0.2]
    #[arg(long, value_name = "FRACTION", allow_hyphen_values = true)]
    pub validation_fraction: Option<f64>,
}

impl SplitOptions {
    fn of(&self, count: usize) -> Result<Split> {
        let fraction = self.validation_fraction.unwrap_or(Training::default().validation_fraction);
        train_validation_split(count, fraction, self.split_seed)
    }
}

/// The same, and that fewer samples may be learnt.
#[derive(Args)]
pub struct LearntOptions {
    #[command(flatten)]
    split: SplitOptions,
    /// Training samples to learn from, the first ones [default: all that are not held out]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    train_count: Option<u32>,
}

impl LearntOptions {
    /// The split of so many samples, with no more to train with than are wanted.
    ///
    /// # Errors
    /// See [`train_validation_split`].
    pub fn of(&self, count: usize) -> Result<Split> {
        let mut split = self.split.of(count)?;
        split.train.truncate(self.train_count.map_or(usize::MAX, |count| count as usize));
        Ok(split)
    }
}
