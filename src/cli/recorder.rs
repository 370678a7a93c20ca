//! What a run writes of each step and epoch while it goes on: `steps.csv`, and TensorBoard's event file where it has one.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::tracking::{Epoch, EventFile, Test};
use crate::train::{EpochResult, RunFolder, StepFile, StepResult, Trainer, now};

/// The files, and the steps that are still to be written.
pub struct Recorder {
    results: Receiver<StepResult>,
    steps: StepFile,
    events: Option<EventFile>,
    written: Instant,
}

/// Between two times that steps are written within an epoch.
const EVERY: Duration = Duration::from_secs(1);

impl Recorder {
    /// Goes on with the run's files where the trainer does. A run that once had an event file keeps it.
    ///
    /// # Errors
    /// [`crate::error::Error::Failed`] naming the file that cannot be written.
    pub fn begin(folder: &RunFolder, trainer: &mut Trainer, tensorboard: bool) -> Result<Self> {
        let (sender, results) = mpsc::channel();
        trainer.send_steps_to(sender);
        let (path, state) = (folder.path(), trainer.state());
        let steps = StepFile::open(path, state.iterations)?;
        let events = (tensorboard || EventFile::path(path).exists()).then(|| EventFile::open(path, state.epoch));
        Ok(Self { results, steps, events: events.transpose()?, written: Instant::now() })
    }

    /// Writes the steps that are known by now, if that was not done just before.
    ///
    /// # Errors
    /// See [`Self::begin`].
    pub fn steps_at_times(&mut self) -> Result<()> {
        if self.written.elapsed() < EVERY { Ok(()) } else { self.steps() }
    }

    /// Writes the steps that are known by now.
    ///
    /// # Errors
    /// See [`Self::begin`].
    pub fn steps(&mut self) -> Result<()> {
        self.written = Instant::now();
        let results: Vec<StepResult> = self.results.try_iter().collect();
        self.steps.append(&results)?;
        self.events.as_mut().map_or(Ok(()), |events| events.steps(&results))
    }

    /// Writes what an epoch came to.
    ///
    /// # Errors
    /// See [`Self::begin`].
    pub fn epoch(&mut self, result: EpochResult, seconds: f64) -> Result<()> {
        // To as many digits as in metrics.csv, of which the file may be made, too.
        let seconds = (1e3 * seconds).round() / 1e3;
        let epoch = Epoch { result, seconds: Some(seconds), time: now() };
        self.events.as_mut().map_or(Ok(()), |events| events.epoch(&epoch))
    }

    /// Writes what the test came to.
    ///
    /// # Errors
    /// See [`Self::begin`].
    pub fn end(&mut self, epochs: usize, test: Test) -> Result<()> {
        self.events.as_mut().map_or(Ok(()), |events| events.end(epochs, &test))
    }
}
