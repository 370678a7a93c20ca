//! Trains epoch after epoch, and can stop and go on at any step.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use super::evaluator::predicted;
use super::{Engine, EpochResult, Placement, Source, State, Tally, weights};
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::{Checkpoint, Tensor};
use crate::plan::Executor;
use crate::random::{Sequence, Stream};

/// A run under way.
pub struct Trainer<'a> {
    engine: Engine<'a>,
    split: Split,
    /// The numbers of the test file's samples.
    test: Vec<u32>,
    state: State,
}

/// A finished epoch.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    pub result: EpochResult,
    /// Whether no epoch before had so good a validation accuracy.
    pub best: bool,
    /// Of the whole epoch, validation included; of what was left of it in a resumed run.
    pub seconds: f64,
    /// Of the training part alone.
    pub seconds_per_step: f64,
    /// Training images a second of the training part.
    pub images_per_second: f64,
}

impl<'a> Trainer<'a> {
    /// A run at its beginning, with Glorot's weights; the executor's plan must be the configuration's.
    ///
    /// # Errors
    /// [`Error::Usage`] where the configuration does not fit the data.
    pub fn new(state: State, executor: Box<dyn Executor>, source: Source<'a>, placement: Placement) -> Result<Self> {
        let count = source.parts[0].len();
        let split = state.config.split(count)?;
        let test = (count as u32..source.len() as u32).collect();
        let mut engine = Engine::new(executor, source, placement, state.config.seed);
        engine.initialise();
        engine.time = state.time;
        Ok(Self { engine, split, test, state })
    }

    /// Starts from the weights that were read from `path` instead of Glorot's.
    ///
    /// # Errors
    /// [`Error::Data`] where they are not this model's.
    pub fn start_from(&mut self, tensors: &[Tensor], path: &Path) -> Result<()> {
        weights::put(&mut self.engine, tensors, path, false)
    }

    /// Goes on where the checkpoint's own state, which this trainer was made with, says.
    ///
    /// # Errors
    /// [`Error::Data`] where tensors or progress are not this model's.
    pub fn go_on_from(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<()> {
        let State { epoch, step, time, tally, .. } = self.state;
        let samples = step.saturating_mul(self.state.config.batch_size).min(self.split.train.len());
        let all = epoch.saturating_mul(self.steps()).saturating_add(step);
        if step > self.steps() || tally.samples != samples as u64 || time as usize != all {
            let path = path.display();
            let problem = format!("epoch {epoch}, step {step}, time {time} and its tally contradict each other");
            return Err(Error::Data(format!("{path}: {problem}; give a checkpoint that 'train' wrote")));
        }
        weights::put(&mut self.engine, &checkpoint.tensors, path, true)
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Steps in an epoch.
    pub fn steps(&self) -> usize {
        self.split.train.len().div_ceil(self.state.config.batch_size)
    }

    /// Trains the rest of the present epoch and validates; `None` when `visit` stopped it before the end of the
    /// training. `visit` sees the epoch's tally after every submission.
    ///
    /// # Errors
    /// [`Error::Diverged`], or what the device reports.
    pub fn epoch(&mut self, visit: &mut dyn FnMut(&Tally) -> ControlFlow<()>) -> Result<Option<Finished>> {
        let start = Instant::now();
        let order = self.order();
        let batch = self.state.config.batch_size;
        let rest = &order[(self.state.step * batch).min(order.len())..];
        let tally = self.engine.train_from(self.state.tally, rest, self.state.config.learning_rate, visit)?;
        self.state.time = self.engine.time;
        self.state.step = (tally.samples as usize).div_ceil(batch);
        self.state.tally = tally;
        if (tally.samples as usize) < order.len() {
            return Ok(None);
        }
        let training_seconds = start.elapsed().as_secs_f64();
        let validation = self.engine.evaluate(&self.split.validation)?;
        let result = EpochResult {
            epoch: self.state.epoch + 1,
            loss: tally.loss(),
            accuracy: tally.accuracy(),
            val_loss: validation.loss(),
            val_accuracy: validation.accuracy(),
        };
        if !result.val_loss.is_finite() {
            let problem = format!("the validation loss is {} after epoch {}", result.val_loss, result.epoch);
            return Err(Error::Diverged(format!("{problem}; try a smaller --learning-rate")));
        }
        let best = self.state.best.is_none_or(|best| result.val_accuracy > best);
        if best {
            self.state.best = Some(result.val_accuracy);
        }
        self.state.history.push(result);
        self.state.epoch = result.epoch;
        self.state.step = 0;
        self.state.tally = Tally::default();
        let images_per_second = rest.len() as f64 / training_seconds.max(1e-9);
        let seconds_per_step = training_seconds / rest.len().div_ceil(batch).max(1) as f64;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Some(Finished { result, best, seconds, seconds_per_step, images_per_second }))
    }

    /// Loss and predictions on the test file.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the loss is not finite, or what the device reports.
    pub fn test(&mut self) -> Result<(f64, Predictions)> {
        predicted(&mut self.engine, &self.test)
    }

    /// Everything that going on needs.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the weights are not finite.
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        Ok(Checkpoint { about: self.state.text()?, tensors: weights::take(&mut self.engine)? })
    }

    /// The present epoch's order, from the split's own order: a resumed run needs none but the epoch's number.
    fn order(&self) -> Vec<u32> {
        let mut order = self.split.train.clone();
        if self.state.config.shuffle {
            Sequence::new(self.state.config.seed, Stream::Shuffling, self.state.epoch as u32).shuffle(&mut order);
        }
        order
    }
}
