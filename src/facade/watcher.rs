//! Who is told of a training.

use std::ops::ControlFlow;

use crate::error::Result;
use crate::train::{EpochResult, Finished, Metrics, Trainer};

/// How far a training has come.
#[derive(Clone, Copy, Debug)]
pub enum FitProgress {
    /// Some steps of an epoch, which counts from 1, are done: what it came to so far.
    Steps { epoch: usize, metrics: Metrics },
    /// An epoch is done.
    Epoch(EpochResult),
}

/// Is told how far a training has come, and may end it.
pub trait Watcher {
    /// Some steps of an epoch, which counts from 1, are done, a submission's: what it came to so far.
    fn steps(&mut self, epoch: usize, metrics: Metrics) -> ControlFlow<()>;

    /// An epoch is done. The trainer has the weights that it left, and may be given another learning rate.
    ///
    /// # Errors
    /// What the watcher cannot go on from, which ends the training.
    fn epoch(&mut self, finished: &Finished, trainer: &mut Trainer) -> Result<ControlFlow<()>>;
}

/// One who is only told.
impl<Told: FnMut(FitProgress) -> ControlFlow<()>> Watcher for Told {
    fn steps(&mut self, epoch: usize, metrics: Metrics) -> ControlFlow<()> {
        self(FitProgress::Steps { epoch, metrics })
    }

    fn epoch(&mut self, finished: &Finished, _: &mut Trainer) -> Result<ControlFlow<()>> {
        Ok(self(FitProgress::Epoch(finished.result)))
    }
}
