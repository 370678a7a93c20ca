//! Trains epoch after epoch, and can stop and go on at any step.

use std::mem;
use std::path::Path;
use std::sync::mpsc::Sender;

use web_time::Instant;

use super::evaluator::predicted;
use super::weights::Part;
use super::{Engine, EpochResult, Metrics, State, StepResult, weights};
use crate::callback::ProgressCallback;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::{Checkpoint, Tensor, take_averages};
use crate::kernels::LossScale;
use crate::random::{Sequence, Stream};

/// A run under way.
pub struct Trainer<'a> {
    engine: Engine<'a>,
    split: Split,
    /// The numbers of the test file's samples.
    test: Vec<u32>,
    state: State,
    /// Floating-point operations of an epoch.
    epoch_flop: u64,
    /// Where best weights are to be restored: the best epoch's, or once those are, the last epoch's; with their averages.
    other_weights: Option<Vec<weights::Values>>,
    /// Of the present epoch, by this process.
    training: Training,
}

/// What training took.
#[derive(Clone, Copy, Default)]
struct Training {
    samples: usize,
    seconds: f64,
}

/// A finished epoch.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    pub result: EpochResult,
    /// Whether no epoch before had so good a validation accuracy; never, where nothing is validated.
    pub best: bool,
    /// The learning rate from now on, where a plateau made it smaller.
    pub reduced: Option<f64>,
    /// Of the whole epoch, validation included; of what was left of it in a resumed run.
    pub seconds: f64,
    /// Of the training part alone.
    pub seconds_per_step: f64,
    /// Training images a second of the training part.
    pub images_per_second: f64,
}

impl<'a> Trainer<'a> {
    /// A run at its beginning, with weights from the seed; the engine must be the configuration's.
    ///
    /// # Errors
    /// [`Error::Usage`] where the configuration does not fit the data.
    pub fn new(state: State, mut engine: Engine<'a>) -> Result<Self> {
        let source = engine.source();
        let count = source.parts[0].len();
        let mut split = state.config.split(count)?;
        let mut test: Vec<u32> = (count as u32..source.len() as u32).collect();
        if state.config.validation_data {
            if test.is_empty() {
                return Err(Error::Usage("`validation_data`: there are no samples; give some, or leave it out".into()));
            }
            split.validation = mem::take(&mut test);
        }
        let epoch_flop = state.config.epoch_flop(split.train.len())?;
        engine.initialise_by(&split.train)?;
        engine.iterations = state.iterations;
        Ok(Self { engine, split, test, state, epoch_flop, other_weights: None, training: Training::default() })
    }

    /// Starts from the weights that were read from `path` instead.
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
        let State { epoch, step, iterations, metrics, .. } = self.state;
        let samples = step.saturating_mul(self.state.config.batch_size).min(self.visited());
        let all = epoch.saturating_mul(self.steps()).saturating_add(step);
        if step > self.steps() || metrics.samples != samples as u64 || iterations as usize != all {
            let path = path.display();
            let problem =
                format!("epoch {epoch}, step {step}, time {iterations} and its metrics contradict each other");
            return Err(Error::Data(format!("{path}: {problem}; give a checkpoint that 'train' wrote")));
        }
        weights::put(&mut self.engine, &checkpoint.tensors, path, true)?;
        self.engine.set_loss_scale(self.state.loss_scale.unwrap_or(LossScale::FIRST))?;
        if self.state.keeps_best_weights() {
            let other = self.other_parts().into_iter().map(|part| part.find(&checkpoint.tensors, path));
            self.other_weights = Some(other.collect::<Result<_>>()?);
        }
        if self.state.restored {
            self.exchange_weights()?;
        }
        Ok(())
    }

    /// From now on `receiver` is told of each training step, once its submission came back.
    pub fn send_steps_to(&mut self, receiver: Sender<StepResult>) {
        self.engine.send_steps_to(receiver);
    }

    /// Another learning rate from now on, which the schedule goes by.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is no positive number.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        if !(rate.is_finite() && rate > 0.0) {
            return Err(Error::Usage(format!("`learning_rate` {rate}: not a positive number; give one such as 1e-3")));
        }
        self.state.learning_rate = rate;
        Ok(())
    }

    /// Whether any of the processes that train together says so.
    ///
    /// # Errors
    /// Where another one is gone.
    pub fn any(&self, own: bool) -> Result<bool> {
        self.engine.any(own)
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Floating-point operations of an epoch's training: see [`training_flop`](crate::model::training_flop).
    pub fn epoch_flop(&self) -> u64 {
        self.epoch_flop
    }

    /// Steps in an epoch.
    pub fn steps(&self) -> usize {
        self.visited().div_ceil(self.state.config.batch_size)
    }

    /// Samples that an epoch visits.
    fn visited(&self) -> usize {
        self.state.config.visited(self.split.train.len())
    }

    /// Trains the rest of the present epoch and validates, where samples are held out; `None` when `callback` stopped it before the end of the
    /// training. `callback` is told the epoch's metrics after every submission.
    ///
    /// # Errors
    /// [`Error::Diverged`], or what the device reports.
    pub fn epoch(&mut self, callback: ProgressCallback<Metrics>) -> Result<Option<Finished>> {
        let start = Instant::now();
        let order = self.order();
        let batch = self.state.config.batch_size;
        let rest = &order[(self.state.step * batch).min(order.len())..];
        let learning_rates = self.state.config.learning_rates(self.state.learning_rate, self.steps());
        self.engine.epoch = self.state.epoch as u32;
        let metrics = self.engine.train_from(self.state.metrics, rest, &learning_rates, callback)?;
        self.training.samples += (metrics.samples - self.state.metrics.samples) as usize;
        self.training.seconds += start.elapsed().as_secs_f64();
        self.state.iterations = self.engine.iterations;
        self.state.loss_scale = self.engine.useful_loss_scale()?;
        self.state.step = (metrics.samples as usize).div_ceil(batch);
        self.state.metrics = metrics;
        if (metrics.samples as usize) < order.len() {
            return Ok(None);
        }
        let start = Instant::now();
        let held_out = &self.split.validation;
        let validation = if held_out.is_empty() { None } else { Some(self.engine.evaluate(held_out)?) };
        let result = EpochResult {
            epoch: self.state.epoch + 1,
            loss: metrics.loss(),
            accuracy: metrics.accuracy(),
            val_loss: validation.map(|metrics| metrics.loss()),
            val_accuracy: validation.map(|metrics| metrics.accuracy()),
            learning_rate: learning_rates(self.state.iterations),
        };
        if let Some(loss) = result.val_loss.filter(|loss| !loss.is_finite()) {
            let problem = format!("the validation loss is {loss} after epoch {}", result.epoch);
            return Err(Error::Diverged(format!("{problem}; try a smaller `learning_rate`")));
        }
        let best = result.val_accuracy.is_some_and(|accuracy| self.state.best.is_none_or(|best| accuracy > best));
        if best {
            self.state.best = result.val_accuracy;
        }
        self.engine.compare_weights()?;
        self.state.history.push(result);
        self.state.epoch = result.epoch;
        self.state.step = 0;
        self.state.metrics = Metrics::default();
        let reduced = self.observe(&result)?;
        let Training { samples, seconds } = mem::take(&mut self.training);
        let images_per_second = samples as f64 / seconds.max(1e-9);
        let seconds_per_step = seconds / samples.div_ceil(batch).max(1) as f64;
        let seconds = seconds + start.elapsed().as_secs_f64();
        Ok(Some(Finished { result, best, reduced, seconds, seconds_per_step, images_per_second }))
    }

    /// Lets the callbacks see an epoch. The new learning rate where there is one.
    fn observe(&mut self, result: &EpochResult) -> Result<Option<f64>> {
        let State { config, early_stopping, plateau, learning_rate, .. } = &mut self.state;
        let monitor = config.monitor;
        let Some(value) = monitor.of(result) else { return Ok(None) };
        if let Some(callback) = &config.early_stopping
            && callback.observe(early_stopping, monitor, result.epoch, value)
            && callback.restore_best_weights
        {
            let parts = Part::evaluated(self.engine.plan());
            let weights = parts.iter().map(|part| part.read(&mut self.engine));
            self.other_weights = Some(weights.collect::<Result<_>>()?);
        }
        let callback = config.reduce_lr_on_plateau.as_ref();
        let reduced = callback.and_then(|callback| callback.observe(plateau, monitor, value, *learning_rate));
        *learning_rate = reduced.unwrap_or(*learning_rate);
        Ok(reduced)
    }

    /// Ends the training with the weights of its best epoch, where early stopping is to: that epoch. What was trained
    /// last stays in the checkpoint, and a resumed run goes on from there.
    ///
    /// # Errors
    /// What the device reports.
    pub fn restore_best_weights(&mut self) -> Result<Option<usize>> {
        let best = self.state.early_stopping.best.filter(|_| self.state.keeps_best_weights());
        if best.is_some() && !self.state.restored {
            self.exchange_weights()?;
        }
        Ok(best.map(|best| best.epoch))
    }

    /// Exchanges the weights for the other ones.
    fn exchange_weights(&mut self) -> Result<()> {
        if let Some(other) = &mut self.other_weights {
            for (part, other) in Part::evaluated(self.engine.plan()).iter().zip(other) {
                let present = part.read(&mut self.engine)?;
                part.write(&mut self.engine, other)?;
                *other = present;
            }
            self.state.restored = !self.state.restored;
        }
        Ok(())
    }

    /// Loss and predictions on the test file.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the loss is not finite, or what the device reports.
    pub fn test(&mut self) -> Result<(f64, Predictions)> {
        predicted(&mut self.engine, &self.test)
    }

    /// The same on any samples by number; the training file's come first, then the test file's.
    ///
    /// # Errors
    /// See [`Self::test`].
    pub fn predict(&mut self, samples: &[u32]) -> Result<(f64, Predictions)> {
        predicted(&mut self.engine, samples)
    }

    /// The weights that are evaluated, `LAYER.kernel` and `LAYER.bias` of each layer that has some: as they are, or their
    /// averages.
    ///
    /// # Errors
    /// [`Error::Diverged`] where one is not finite.
    pub fn weights(&mut self) -> Result<Vec<Tensor>> {
        let mut tensors = Vec::new();
        for part in Part::evaluated(self.engine.plan()) {
            tensors.extend(part.tensors(part.read(&mut self.engine)?));
        }
        if self.state.config.average {
            take_averages(&mut tensors);
        }
        tensors.truncate(self.engine.plan().variables.len());
        Ok(tensors)
    }

    /// The other weights' names in a checkpoint.
    fn other_parts(&self) -> Vec<Part> {
        let parts = Part::evaluated(self.engine.plan()).into_iter();
        parts.map(|part| part.ending_in(self.state.other_weights())).collect()
    }

    /// Everything that going on needs.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the weights are not finite.
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        let mut tensors = weights::take(&mut self.engine)?;
        if let Some(other) = &self.other_weights {
            let parts = self.other_parts();
            tensors.extend(parts.iter().zip(other.clone()).flat_map(|(part, values)| part.tensors(values)));
        }
        Ok(Checkpoint { about: self.state.text()?, tensors })
    }

    /// The present epoch's order, from the split's own order: a resumed run needs none but the epoch's number.
    fn order(&self) -> Vec<u32> {
        let mut order = self.split.train.clone();
        if self.state.config.shuffle {
            Sequence::new(self.state.config.seed, Stream::Shuffling, self.state.epoch as u32).shuffle(&mut order);
        }
        order.truncate(self.visited());
        order
    }
}
