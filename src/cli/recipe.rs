//! The options for which a model's file has defaults: how long is trained, and in which steps.

use clap::Args;

use super::augment::AugmentOption;
use super::console::Console;
use super::options::{PrecisionOption, SetOption};
use crate::augment::Augmentation;
use crate::error::Result;
use crate::model::ModelFile;
use crate::train::Config;

/// The options, the same in every subcommand that trains on a data set.
#[derive(Args)]
pub struct RecipeOptions {
    /// Passes over the training samples [default: what the model's file says; 10 for cnn1, 20 for cnn2, 50 for cnn3]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Samples a training step [default: what the model's file says, or 512; all where there are fewer]
    #[arg(short, long, value_name = "N")]
    batch_size: Option<usize>,
    /// Samples that go through the network at a time: a step's are cut into the fewest equal parts of at most N
    /// [default: 2048 on a GPU, else 512]
    #[arg(long, value_name = "N")]
    micro_batch: Option<usize>,
    /// The optimizer's, which the schedule goes by [default: what the model's file says, or 0.001]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    learning_rate: Option<f64>,
    #[command(flatten)]
    precision: PrecisionOption,
    #[command(flatten)]
    augment: AugmentOption,
    #[command(flatten)]
    pub set: SetOption,
}

impl RecipeOptions {
    /// What the file and `--set` say, and these flags where `--set` says nothing.
    ///
    /// # Errors
    /// Where the file or a `--set` is wrong.
    pub fn config(&self, file: ModelFile) -> Result<Config> {
        let (model, recipe) = self.set.apply(file)?;
        let mut config = Config { micro_batch: self.micro_batch, ..Config::new(model, recipe) };
        self.set.unless("training.epochs", self.epochs, &mut config.epochs);
        self.set.unless("training.batch_size", self.batch_size, &mut config.batch_size);
        self.set.unless("schedule.learning_rate", self.learning_rate, &mut config.learning_rate);
        self.precision.apply(&self.set, &mut config.precision);
        if let Some(augmentation) = self.augment.given()? {
            self.augment(augmentation, &mut config.augmentation);
        }
        Ok(config)
    }

    /// `--augment` goes before the file's section as a whole.
    fn augment(&self, flag: Augmentation, value: &mut Augmentation) {
        let Augmentation { flip, shift, pad, cutout, random_erasing, mixup, cutmix } = flag;
        self.set.unless("augmentation.flip", Some(flip), &mut value.flip);
        self.set.unless("augmentation.shift", Some(shift), &mut value.shift);
        self.set.unless("augmentation.pad", Some(pad), &mut value.pad);
        self.set.unless("augmentation.cutout", Some(cutout), &mut value.cutout);
        self.set.unless("augmentation.random_erasing", Some(random_erasing), &mut value.random_erasing);
        self.set.unless("augmentation.mixup", Some(mixup), &mut value.mixup);
        self.set.unless("augmentation.cutmix", Some(cutmix), &mut value.cutmix);
    }

    /// Makes a batch size that was not asked for no larger than what there is to train with in a training file of `count`
    /// samples, as Keras does, and says so.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) where the configuration does not fit the data.
    pub fn fit(&self, config: &mut Config, count: usize, console: &mut Console) -> Result<()> {
        let (samples, size) = (config.parts(count)?.train.len(), config.batch_size);
        if self.batch_size.is_none() && !self.set.has("training.batch_size") && samples < size {
            config.batch_size = samples;
            console.say(&format!("--batch-size {samples} instead of {size}: there are no more samples to train with"));
        }
        Ok(())
    }
}
