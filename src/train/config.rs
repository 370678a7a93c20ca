//! What a run is made with: everything that decides its numbers, but the data and the device.

use serde::{Deserialize, Serialize};

use super::{EarlyStopping, Monitor, ReduceLrOnPlateau, Schedule};
use crate::augment::Augmentation;
use crate::data::{Split, k_folds, train_validation_split};
use crate::error::{Error, Result};
use crate::gemm::{DeviceClass, GemmSelection};
use crate::kernels::GradientOrder;
use crate::model::{Model, NAMES, Resolved, built_in, resolve, training_flop};
use crate::network::{LARGEST_BATCH, Options, most_rows};
use crate::optimizers::Optimizer;
use crate::precision::Precision;
use crate::recipe::{Loss, Recipe};

/// A run's configuration with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub epochs: usize,
    pub batch_size: usize,
    /// The most rows of a batch that go through the network at a time, in equal parts; the device profile's where
    /// nothing is said, as in runs that are older.
    pub micro_batch: Option<usize>,
    /// A tree in new runs; in those from before there was one, one after the other.
    #[serde(default)]
    pub gradient_order: GradientOrder,
    pub learning_rate: f64,
    pub schedule: Schedule,
    /// Epochs in which the learning rate grows from 0; 0 where the schedule is a model file's, which has its own.
    pub warm_up_epochs: usize,
    /// What both of the callbacks watch.
    pub monitor: Monitor,
    /// Of the initial weights, the shuffling and the dropout.
    pub seed: u64,
    pub split_seed: u32,
    /// The part of the training file that is held out; of 0, nothing is validated.
    pub validation_fraction: f64,
    /// Instead of such a part: one of the folds that the training file is cut into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
    /// Instead of either: other samples, which come behind those of the training file.
    #[serde(default, skip_serializing_if = "is_false")]
    pub validation_data: bool,
    /// Whether each epoch visits the training samples in another order.
    pub shuffle: bool,
    /// Whether the last batch of an epoch is left out where it is smaller than the others.
    #[serde(default)]
    pub drop_remainder: bool,
    /// Whether the averages of the weights are what is evaluated and exported.
    #[serde(default)]
    pub average: bool,
    pub early_stopping: Option<EarlyStopping>,
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    /// In how many bits activations and their gradients are stored.
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
    #[serde(default)]
    pub loss: Loss,
    #[serde(default)]
    pub optimizer: Optimizer,
    /// What befalls the training samples.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// Another tile is another order of sums.
    pub tiles: GemmSelection,
    pub model: Model,
}

impl Default for Config {
    /// What `train` does unless asked for something else: cnn1 for 10 epochs by Keras' Adam.
    fn default() -> Self {
        let (model, recipe) = built_in(NAMES[0]).expect("the names are those of networks");
        Self::new(model, recipe)
    }
}

impl Config {
    /// What a model file asks for, on the CPU path's tiles.
    pub fn new(model: Model, recipe: Recipe) -> Self {
        let average = recipe.takes_averages();
        let Recipe { loss, optimizer, training, schedule, augmentation } = recipe;
        Self {
            epochs: training.epochs,
            batch_size: training.batch_size,
            micro_batch: None,
            gradient_order: GradientOrder::Tree,
            learning_rate: schedule.learning_rate,
            schedule: schedule.course.into(),
            warm_up_epochs: 0,
            monitor: Monitor::ValLoss,
            seed: 0,
            split_seed: 2020,
            validation_fraction: training.validation_fraction,
            fold: None,
            validation_data: false,
            shuffle: true,
            drop_remainder: training.drop_remainder,
            average,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            precision: training.precision,
            loss,
            optimizer,
            augmentation,
            tiles: DeviceClass::Cpu.into(),
            model,
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// One part of equal ones that takes its turn as the held out one, in k-fold cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// From 0.
    pub number: usize,
    pub folds: usize,
}

/// An epoch's number, which its shuffling is drawn from, has 32 bits.
const MOST_EPOCHS: usize = u32::MAX as usize;

/// Refuses a batch size that no device could train with.
///
/// # Errors
/// [`Error::Usage`] naming the option and its remedy.
pub fn check_batch_size(batch_size: usize) -> Result<()> {
    match batch_size {
        0 => Err(Error::Usage("`batch_size` 0: nothing to train with; give 1 or more".into())),
        1..=LARGEST_BATCH => Ok(()),
        _ => Err(Error::Usage(format!("`batch_size` {batch_size}: too large; give at most {LARGEST_BATCH}"))),
    }
}

fn not_negative(option: &str, value: f64) -> Result<()> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(Error::Usage(format!("{option} {value}: not a number from 0 on; give one such as 1e-4"))),
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
            return refuse("`epochs` 0: nothing to train; give 1 or more".into());
        }
        if self.epochs > MOST_EPOCHS {
            return refuse(format!("`epochs` {}: too many to count; give at most {MOST_EPOCHS}", self.epochs));
        }
        check_batch_size(self.batch_size)?;
        if self.micro_batch == Some(0) {
            return refuse("`micro_batch` 0: nothing goes through the network; give 1 or more".into());
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let rate = self.learning_rate;
            return refuse(format!("`learning_rate` {rate}: not a positive number; give one such as 1e-3"));
        }
        self.check_learning_rate_control()?;
        let watches = self.early_stopping.is_some() || self.reduce_lr_on_plateau.is_some();
        if watches && self.monitor.validates() && !self.validates() {
            let monitor = self.monitor.name();
            return refuse(format!(
                "`monitor` {monitor}: nothing is validated; give loss or accuracy, or a `validation_fraction` above 0"
            ));
        }
        if let Some(EarlyStopping { min_delta, baseline, .. }) = &self.early_stopping {
            not_negative("`early_stopping.min_delta`", *min_delta)?;
            if let Some(baseline) = baseline.filter(|baseline| !baseline.is_finite()) {
                return refuse(format!("`early_stopping.baseline` {baseline}: not a number; give one such as 0.9"));
            }
        }
        let layers = resolve(&self.model)?;
        let is_trained = |layer: &Resolved| layer.variables().any(|(_, is_trained)| is_trained);
        if layers.iter().any(|layer| !layer.trainable) && !layers.iter().any(is_trained) {
            let name = &self.model.name;
            return refuse(format!(
                "model '{name}': no layer is trained; take trainable = false out of one with weights"
            ));
        }
        self.check_recipe()
    }

    /// Refuses what no model file may say, either, and in its words.
    fn check_recipe(&self) -> Result<()> {
        let course = match &self.schedule {
            Schedule::Course(course) => course.check(),
            Schedule::Constant | Schedule::Cosine => Ok(()),
        };
        let average = match self.average && !self.optimizer.averages() {
            true => Err("average is true, but the optimizer keeps none; give ema_momentum in [optimizer]".into()),
            false => Ok(()),
        };
        let sections = [
            ("loss", self.loss.check()),
            ("optimizer", self.optimizer.check()),
            ("training", average),
            ("schedule", course),
            ("augmentation", self.augmentation.check(self.model.input)),
        ];
        sections.into_iter().try_for_each(|(section, checked)| {
            checked.map_err(|problem: String| Error::Usage(format!("[{section}]: {problem}")))
        })
    }

    /// The options of a plan with its loss, optimizer, augmentation and order of gradients.
    pub fn applied_to(&self, options: Options) -> Options {
        Options {
            gradient_order: self.gradient_order,
            optimizer: self.optimizer.clone(),
            average: self.average,
            precision: self.precision,
            augmentation: self.augmentation,
            label_smoothing: self.loss.label_smoothing as f32,
            ..options
        }
    }

    /// Whether some samples are held out to validate with.
    pub fn validates(&self) -> bool {
        self.validation_data || self.fold.is_some() || self.validation_fraction != 0.0
    }

    /// Of `samples` to train with, those that an epoch visits.
    pub fn visited(&self, samples: usize) -> usize {
        if self.drop_remainder { samples - samples % self.batch_size } else { samples }
    }

    /// Floating-point operations of an epoch with so many samples to train with: see [`training_flop`].
    ///
    /// # Errors
    /// See [`resolve`].
    pub fn epoch_flop(&self, samples: usize) -> Result<u64> {
        training_flop(&self.model, self.visited(samples) as u64)
    }

    /// The most rows of a batch that go through the network at a time.
    pub fn most_rows(&self) -> usize {
        self.micro_batch.unwrap_or_else(|| most_rows(&self.model, self.tiles.device))
    }

    fn check_learning_rate_control(&self) -> Result<()> {
        let refuse = |problem: String| Err(Error::Usage(problem));
        if self.warm_up_epochs >= self.epochs {
            let Self { warm_up_epochs, epochs, .. } = self;
            return refuse(format!("`warm_up_epochs` {warm_up_epochs}: leaves none of {epochs} epochs; give fewer"));
        }
        if let (Schedule::Course(_), 1..) = (&self.schedule, self.warm_up_epochs) {
            let epochs = self.warm_up_epochs;
            return refuse(format!(
                "`warm_up_epochs` {epochs}: the model file's schedule has a warm-up of its own; give `schedule`, too, or \
                 `set` schedule.warm_up"
            ));
        }
        let Some(ReduceLrOnPlateau { factor, min_delta, min_lr, .. }) = self.reduce_lr_on_plateau else {
            return Ok(());
        };
        let schedule = self.schedule.name();
        if schedule != Schedule::Constant.name() {
            return refuse(format!(
                "`reduce_lr_on_plateau`: `schedule` {schedule} sets the learning rate already; give one of the two"
            ));
        }
        if !(factor > 0.0 && factor < 1.0) {
            return refuse(format!(
                "`reduce_lr_on_plateau.factor` {factor}: not between 0 and 1; give one such as 0.5"
            ));
        }
        not_negative("`reduce_lr_on_plateau.min_delta`", min_delta)?;
        not_negative("`reduce_lr_on_plateau.min_lr`", min_lr)
    }

    /// The learning rate of each step by its number, from 1; `base` is that of the configuration, or what a plateau left
    /// of it.
    pub fn learning_rates(&self, base: f64, steps_per_epoch: usize) -> impl Fn(u32) -> f64 + use<> {
        let steps = |epochs: usize| (epochs as u64).saturating_mul(steps_per_epoch as u64);
        let (schedule, warm_up, all) = (self.schedule.clone(), steps(self.warm_up_epochs), steps(self.epochs));
        move |time| base * schedule.part(u64::from(time) - 1, warm_up, all)
    }

    /// The samples of a training file of `count` to train and to validate with, whatever the batch size.
    ///
    /// # Errors
    /// [`Error::Usage`] when the fraction or the folds do not fit the data.
    pub fn parts(&self, count: usize) -> Result<Split> {
        match self.fold {
            _ if self.validation_data => all_to_train(count),
            None if !self.validates() => all_to_train(count),
            None => train_validation_split(count, self.validation_fraction, self.split_seed),
            Some(Fold { number, folds }) => {
                let splits = k_folds(count, folds, self.split_seed)?;
                let none = || Error::Usage(format!("fold {number} of {folds}: there is none; give a number below"));
                splits.into_iter().nth(number).ok_or_else(none)
            }
        }
    }

    /// The same, for batches that there are enough samples for.
    ///
    /// # Errors
    /// [`Error::Usage`] when the fraction or the batch size does not fit the data.
    pub fn split(&self, count: usize) -> Result<Split> {
        let split = self.parts(count)?;
        match split.train.len() {
            samples if samples < self.batch_size => Err(Error::Usage(format!(
                "`batch_size` {}: only {samples} samples to train with; give at most {samples}",
                self.batch_size
            ))),
            _ => Ok(split),
        }
    }
}

/// The split that holds nothing out, in the training file's order.
fn all_to_train(count: usize) -> Result<Split> {
    match u32::try_from(count) {
        Ok(1..) => Ok(Split { train: (0..count as u32).collect(), validation: Vec::new() }),
        _ => Err(Error::Usage(format!("{count} samples to train with; give 1 to {}", u32::MAX))),
    }
}
