//! A training run with everything it reports to: the console, stdout and the run's folder.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::console::Console;
use super::device::Device;
use super::judgement::Judgement;
use super::progress::Line;
use super::recorder::Recorder;
use super::trained::Part;
use super::{evaluate, interrupt, names, output, plot, report};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::report::Contents;
use crate::shell::quoted;
use crate::tracking::Test;
use crate::train::{Environment, EpochResult, Finished, History, Metrics, RunFolder, Trainer};

/// A run with everything it reports to.
pub struct Run<'a> {
    pub trainer: Trainer<'a>,
    pub folder: RunFolder,
    pub history: History,
    pub recorder: Recorder,
    pub console: Console,
    pub device: &'a Device,
    pub json: bool,
    /// The data set of a report at the end; none where no report is wanted.
    pub report_on: Option<&'a Dataset>,
    /// When a checkpoint was last written.
    pub saved: Instant,
    /// Within an epoch, too, once this has passed.
    pub save_every: Option<Duration>,
    /// Asked after each epoch.
    pub pruner: Option<Pruner>,
}

/// Why a run with these epochs is not worth going on with, where it is not.
pub type Pruner = Box<dyn Fn(&[EpochResult]) -> Result<Option<String>>>;

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub pruned: bool,
    pub test_loss: f64,
    pub test_accuracy: f64,
}

impl Run<'_> {
    /// Trains the epochs that are left and measures the test samples.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after saving, where the user asked for it; or what goes wrong, with the last good
    /// checkpoint in its place.
    pub fn finish(&mut self) -> Result<Ended> {
        let finished = self.fit().and_then(|pruned| {
            let (test_loss, test_accuracy) = self.test()?;
            Ok(Ended { pruned, test_loss, test_accuracy })
        });
        finished.map_err(|error| match error {
            Error::Device(problem) => {
                let folder = quoted(self.folder.path().as_os_str());
                let remedy = format!("go on from the last checkpoint with: gpu-fmnist train --resume {folder}");
                Error::Device(format!("{problem}; {remedy}"))
            }
            other => other,
        })
    }

    /// Trains the epochs that are left; whether they were not worth it.
    ///
    /// # Errors
    /// See [`Self::finish`].
    pub fn fit(&mut self) -> Result<bool> {
        let mut pruned = false;
        while !self.trainer.state().is_complete() {
            if self.is_pruned()? {
                pruned = true;
                break;
            }
            let Some(finished) = self.epoch()? else { return Err(self.interrupted()?) };
            self.report(&finished)?;
            if self.trainer.any(interrupt::requested(()).is_break())? {
                return Err(self.interrupted()?);
            }
        }
        self.stop_early()?;
        Ok(pruned)
    }

    /// Asks whether the run is worth going on with, and says so where it is not.
    fn is_pruned(&mut self) -> Result<bool> {
        let state = self.trainer.state();
        let (Some(pruner), 1.., 0) = (&self.pruner, state.epoch, state.step) else { return Ok(false) };
        let Some(reason) = pruner(&state.history)? else { return Ok(false) };
        self.console.say(&format!("Epoch {}: pruned: {reason}", state.epoch));
        Ok(true)
    }

    /// Trains one epoch, saving where it is time to.
    fn epoch(&mut self) -> Result<Option<Finished>> {
        let state = self.trainer.state();
        let title = format!("Epoch {}/{}", state.epoch + 1, state.config.epochs);
        if self.console.is_terminal() {
            self.console.show(&title);
        }
        loop {
            let finished = self.train()?;
            if finished.is_some() || self.trainer.any(interrupt::requested(()).is_break())? {
                return Ok(finished);
            }
            self.save(&["last"])?;
        }
    }

    /// Trains the epoch with its progress on the console, until an interrupt or the time to save.
    fn train(&mut self) -> Result<Option<Finished>> {
        let Self { trainer, console, recorder, saved, save_every, .. } = self;
        let (steps, batch) = (trainer.steps(), trainer.state().config.batch_size);
        let before = trainer.state().step;
        let start = Instant::now();
        let mut shown: Option<Instant> = None;
        let mut unwritten = None;
        let mut callback = |metrics: Metrics| {
            let step = (metrics.samples as usize).div_ceil(batch);
            // A fast device answers more often than anyone can read.
            if shown.is_none_or(|shown| shown.elapsed().as_millis() >= 50) {
                shown = Some(Instant::now());
                let seconds_per_step = start.elapsed().as_secs_f64() / (step - before).max(1) as f64;
                let metrics = [("accuracy", metrics.accuracy()), ("loss", metrics.loss())];
                let seconds = seconds_per_step * (steps - step) as f64;
                let line = Line { step, steps, seconds, seconds_per_step, metrics: &metrics };
                console.show_for_now(&line.for_terminal(console));
            }
            if let Err(error) = recorder.steps_at_times() {
                unwritten = Some(error);
                return ControlFlow::Break(());
            }
            match save_every {
                Some(every) if saved.elapsed() >= *every => ControlFlow::Break(()),
                _ => interrupt::requested(()),
            }
        };
        let finished = trainer.epoch(&mut callback);
        // However the epoch ended: what is known of it is kept.
        let written = unwritten.map_or_else(|| recorder.steps(), Err);
        let finished = finished?;
        written.map(|()| finished)
    }

    /// Writes and says what an epoch came to.
    fn report(&mut self, finished: &Finished) -> Result<()> {
        let Finished { result, best, reduced, seconds, seconds_per_step, images_per_second } = *finished;
        // The best one first: should the process end between them, going on from `last` finds it again.
        self.save(if best { &["best", "last"] } else { &["last"] })?;
        self.history.push(result, seconds);
        self.folder.write("metrics.csv", &self.history.csv(self.trainer.epoch_flop()))?;
        self.recorder.epoch(result, seconds)?;
        let metrics = [("accuracy", Some(result.accuracy)), ("loss", Some(result.loss))];
        let metrics = metrics.into_iter().chain([("val_accuracy", result.val_accuracy), ("val_loss", result.val_loss)]);
        let metrics: Vec<(&str, f64)> = metrics.filter_map(|(name, value)| Some((name, value?))).collect();
        let steps = self.trainer.steps();
        let line = Line { step: steps, steps, seconds, seconds_per_step, metrics: &metrics };
        let plain = format!("Epoch {}/{}: {}", result.epoch, self.trainer.state().config.epochs, line.plain());
        if self.console.is_terminal() {
            self.console.record(&plain);
            self.console.show(&line.for_terminal(&self.console));
        } else {
            self.console.say(&plain);
        }
        if let Some(rate) = reduced {
            self.console.say(&format!("Epoch {}: ReduceLROnPlateau reducing learning rate to {rate}.", result.epoch));
        }
        self.save_log()?;
        if !self.json {
            return Ok(());
        }
        output::json(&EpochObject { result, training_flop: self.training_flop(), seconds, images_per_second })
    }

    /// Floating-point operations of the finished epochs.
    pub fn training_flop(&self) -> u64 {
        self.trainer.epoch_flop().saturating_mul(self.trainer.state().epoch as u64)
    }

    fn save(&mut self, names: &[&str]) -> Result<()> {
        self.folder.save(&self.trainer.checkpoint()?, names)?;
        self.saved = Instant::now();
        Ok(())
    }

    fn interrupted(&mut self) -> Result<Error> {
        self.save(&["last"])?;
        let path = self.folder.checkpoint_path("last");
        let (path, folder) = (path.display(), quoted(self.folder.path().as_os_str()));
        let message = format!("saved {path}; go on with: gpu-fmnist train --resume {folder}");
        self.console.record(&message);
        self.save_log()?;
        Ok(Error::Interrupted(message))
    }

    /// What early stopping does at the end of a training.
    fn stop_early(&mut self) -> Result<()> {
        let state = self.trainer.state();
        if state.config.early_stopping.is_none() {
            return Ok(());
        }
        if state.stopped_early() {
            self.console.say(&format!("Epoch {}: early stopping", state.epoch));
        }
        if let Some(epoch) = self.trainer.restore_best_weights()? {
            self.console.say(&format!("Restoring model weights from the end of the best epoch: {epoch}."));
        }
        self.save(&["last"])
    }

    /// Measures the test samples and says so; their loss and accuracy.
    fn test(&mut self) -> Result<(f64, f64)> {
        let (loss, predictions) = self.trainer.test()?;
        let state = self.trainer.state();
        let config = &state.config;
        let names = names::or_numbers(state.class_names.clone(), config.model.classes());
        let judgement = Judgement::new(Part::Test.name(), &names, loss, &predictions);
        self.console.record(&judgement.line());
        // What was trained is told wherever it could be written.
        let test = Test { loss, accuracy: predictions.top(1) };
        let written = self.save_log().and_then(|()| self.recorder.end(self.trainer.state().epoch, test));
        let written = written.and_then(|()| match self.report_on {
            Some(dataset) => self.write_report(dataset, &judgement).map(Some),
            None => Ok(None),
        });
        if let Ok(Some(path)) = &written {
            self.console.show(&format!("wrote {}", path.display()));
        }
        if self.json {
            let state = self.trainer.state();
            output::json(&LastObject {
                model: &state.config.model.name,
                adapter: self.device.name(),
                backend: self.device.backend(),
                device_type: self.device.device_type(),
                seed: state.config.seed,
                epochs: state.epoch,
                training_flop: self.training_flop(),
                test_loss: loss,
                test_accuracy: predictions.top(1),
                run_dir: self.folder.path().to_string_lossy(),
            })?;
        } else {
            output::tables(&if self.report_on.is_some() { judgement.text() } else { judgement.line() + "\n" })?;
        }
        written.map(|_| (loss, predictions.top(1)))
    }

    /// Draws and writes what `plot`, `evaluate` and `report` would; the report's path.
    fn write_report(&self, dataset: &Dataset, judgement: &Judgement) -> Result<PathBuf> {
        let folder = self.folder.path();
        plot::draw(folder)?;
        judgement.save(&evaluate::folder(folder, Part::Test))?;
        let (split, path) = (self.trainer.split(), report::path(&self.folder));
        report::write(
            &path,
            &Contents {
                folder,
                checkpoint: "last",
                state: self.trainer.state(),
                environment: &Environment::read(&self.folder)?,
                history: &self.history,
                names: judgement.names,
                split: [split.train.len(), split.validation.len()],
                tested_on: &self.device.describe(),
                loss: judgement.loss,
                predictions: judgement.predictions,
                test: &dataset.test,
            },
        )?;
        Ok(path)
    }

    fn save_log(&self) -> Result<()> {
        self.folder.write("train.log", self.console.log())
    }
}

/// `--json`'s line for an epoch.
#[derive(Serialize)]
struct EpochObject {
    #[serde(flatten)]
    result: EpochResult,
    /// Floating-point operations so far.
    training_flop: u64,
    /// Of the whole epoch.
    seconds: f64,
    /// Of the training part.
    images_per_second: f64,
}

/// `--json`'s last line.
#[derive(Serialize)]
struct LastObject<'a> {
    model: &'a str,
    adapter: &'a str,
    backend: &'a str,
    device_type: &'a str,
    seed: u64,
    epochs: usize,
    training_flop: u64,
    test_loss: f64,
    test_accuracy: f64,
    run_dir: Cow<'a, str>,
}
