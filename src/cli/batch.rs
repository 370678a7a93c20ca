//! `--batch-size` and `--micro-batch` of a training.

use clap::Args;

use super::console::Console;
use crate::error::Result;
use crate::train::{BATCH_SIZE, Config};

/// The options, the same in every subcommand that trains on a data set.
#[derive(Args)]
pub struct BatchOption {
    /// Samples a training step [default: 512, or all of fewer]
    #[arg(short, long, value_name = "N")]
    batch_size: Option<usize>,
    /// Samples that go through the network at a time: a step's are cut into the fewest equal parts of at most N
    /// [default: 2048 on a GPU, else 512]
    #[arg(long, value_name = "N")]
    pub micro_batch: Option<usize>,
}

impl BatchOption {
    /// Of a data set that is large enough.
    pub fn size(&self) -> usize {
        self.batch_size.unwrap_or(BATCH_SIZE)
    }

    /// Makes the default no larger than what there is to train with in a training file of `count` samples, as Keras does,
    /// and says so.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) where the configuration does not fit the data.
    pub fn fit(&self, config: &mut Config, count: usize, console: &mut Console) -> Result<()> {
        let samples = config.parts(count)?.train.len();
        if self.batch_size.is_none() && samples < BATCH_SIZE {
            config.batch_size = samples;
            console.say(&format!(
                "--batch-size {samples} instead of {BATCH_SIZE}: there are no more samples to train with"
            ));
        }
        Ok(())
    }
}
