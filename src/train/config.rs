//! What a run is made with: everything that decides its numbers, but the data and the device.

use serde::{Deserialize, Serialize};

use super::{EarlyStopping, Monitor, ReduceLrOnPlateau, Schedule};
use crate::data::{Split, k_folds, train_validation_split};
use crate::error::{Error, Result};
use crate::gemm::{DeviceClass, GemmSelection};
use crate::model::{Model, NAMES, notebook, resolve};
use crate::network::{LARGEST_BATCH, most_rows};

/// Samples a step where nothing else is asked for.
pub const BATCH_SIZE: usize = 512;

/// A run's configuration with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub epochs: usize,
    pub batch_size: usize,
    /// The most rows of a batch that go through the network at a time, in equal parts; the device profile's where
    /// nothing is said, as in runs that are older.
    pub micro_batch: Option<usize>,
    #[serde(default)]
    pub gradient_order: GradientOrder,
    pub learning_rate: f64,
    pub schedule: Schedule,
    /// Epochs in which the learning rate grows from 0.
    pub warm_up_epochs: usize,
    /// What both of the callbacks watch.
    pub monitor: Monitor,
    /// Of the initial weights, the shuffling and the dropout.
    pub seed: u64,
    pub split_seed: u32,
    /// The part of the training file that is held out.
    pub validation_fraction: f64,
    /// Instead of such a part: one of the folds that the training file is cut into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
    /// Whether each epoch visits the training samples in another order.
    pub shuffle: bool,
    pub early_stopping: Option<EarlyStopping>,
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
    /// Another tile is another order of sums.
    pub tiles: GemmSelection,
    pub model: Model,
}

impl Default for Config {
    /// What `train` does unless asked for something else: cnn1 for 10 epochs by Keras' Adam, on the CPU path's tiles.
    fn default() -> Self {
        let (model, epochs) = notebook(NAMES[0]).expect("the names are those of networks");
        Self {
            epochs,
            batch_size: BATCH_SIZE,
            micro_batch: None,
            gradient_order: GradientOrder::Sequential,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            warm_up_epochs: 0,
            monitor: Monitor::ValLoss,
            seed: 0,
            split_seed: 2020,
            validation_fraction: 0.2,
            fold: None,
            shuffle: true,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            tiles: DeviceClass::Cpu.into(),
            model,
        }
    }
}

/// In which order the gradients of a step's micro-batches are added up: another one gives other last bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradientOrder {
    /// One after the other, the first one first.
    #[default]
    Sequential,
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
        if let Some(EarlyStopping { min_delta, baseline, .. }) = &self.early_stopping {
            not_negative("`early_stopping.min_delta`", *min_delta)?;
            if let Some(baseline) = baseline.filter(|baseline| !baseline.is_finite()) {
                return refuse(format!("`early_stopping.baseline` {baseline}: not a number; give one such as 0.9"));
            }
        }
        resolve(&self.model).map(drop)
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
        let Some(ReduceLrOnPlateau { factor, min_delta, min_lr, .. }) = self.reduce_lr_on_plateau else {
            return Ok(());
        };
        if self.schedule != Schedule::Constant {
            return refuse(
                "`reduce_lr_on_plateau`: `schedule` cosine sets the learning rate already; give one of the two".into(),
            );
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
        let (schedule, warm_up, all) = (self.schedule, steps(self.warm_up_epochs), steps(self.epochs));
        move |time| base * schedule.part(u64::from(time) - 1, warm_up, all)
    }

    /// The samples of a training file of `count` to train and to validate with, whatever the batch size.
    ///
    /// # Errors
    /// [`Error::Usage`] when the fraction or the folds do not fit the data.
    pub fn parts(&self, count: usize) -> Result<Split> {
        match self.fold {
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
