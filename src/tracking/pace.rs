//! How fast a run is, and when it will be done.

use super::{Status, TrackedRun};
use crate::train::now;

/// Speed is that of so many seconds before the last step.
const WINDOW: f64 = 30.0;
/// Epochs that say how long the next ones will take.
const RECENT: usize = 3;

impl TrackedRun {
    /// Steps of an epoch, once they can be told.
    pub fn steps_per_epoch(&self) -> Option<usize> {
        let whole = self.epochs.last().map(|epoch| epoch.result.epoch).filter(|_| !self.steps().is_empty());
        let counted = whole.map(|epoch| self.steps().iter().filter(|step| step.epoch == epoch).count());
        counted.filter(|&steps| steps > 0).or_else(|| {
            let samples = self.environment.as_ref()?.train_samples;
            let batch = self.number("batch_size").filter(|&batch| batch > 0)?;
            let drops = self.config.get("drop_remainder").and_then(|drops| drops.as_bool()).unwrap_or(false);
            Some(if drops { samples / batch } else { samples.div_ceil(batch) }).filter(|&steps| steps > 0)
        })
    }

    /// Steps done of the epoch after the finished ones.
    pub fn steps_under_way(&self) -> usize {
        self.steps().iter().rev().take_while(|step| step.epoch > self.epochs.len()).count()
    }

    /// Epochs done, the one under way by its part.
    pub fn epochs_done(&self) -> f64 {
        let part = self.steps_per_epoch().map_or(0.0, |steps| self.steps_under_way() as f64 / steps as f64);
        self.epochs.len() as f64 + part.min(1.0)
    }

    /// Training samples a second: of the last steps while it runs, afterwards of all epochs, validation included.
    pub fn samples_per_second(&self) -> Option<f64> {
        let steps = self.steps();
        let (first, last) = match self.status {
            Status::Running => {
                let last = steps.last()?;
                // Within one epoch: validation comes between two.
                let recent =
                    |step: &&crate::train::StepResult| step.epoch == last.epoch && step.time >= last.time - WINDOW;
                (steps.iter().rev().take_while(recent).last()?, last)
            }
            _ => (steps.first()?, steps.last()?),
        };
        if self.status != Status::Running {
            let seconds: Option<f64> = self.epochs.iter().map(|epoch| epoch.seconds).sum();
            let whole = steps.iter().filter(|step| step.epoch <= self.epochs.len());
            let samples: usize = whole.map(|step| step.samples).sum();
            return seconds.filter(|&seconds| seconds > 0.0).map(|seconds| samples as f64 / seconds);
        }
        let seconds = last.time - first.time;
        // Those of the first submission came before the time began.
        let since = steps.iter().rev().take_while(|step| step.step >= first.step && step.time > first.time);
        let samples: usize = since.map(|step| step.samples).sum();
        (seconds > 0.0).then(|| samples as f64 / seconds)
    }

    /// Seconds that a run that is going on will still take, if it trains all its epochs.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.status != Status::Running {
            return None;
        }
        let left = self.number("epochs")? as f64 - self.epochs_done();
        let recent: Vec<f64> = self.epochs.iter().rev().filter_map(|epoch| epoch.seconds).take(RECENT).collect();
        let each = match recent.len() {
            0 => {
                let samples = self.environment.as_ref().map(|environment| environment.train_samples);
                samples.filter(|&samples| samples > 0)? as f64 / self.samples_per_second()?
            }
            count => recent.iter().sum::<f64>() / count as f64,
        };
        Some((left * each).max(0.0))
    }

    /// Seconds since anything was heard of it, where steps are known.
    pub fn seconds_silent(&self) -> Option<f64> {
        self.steps().last().map(|step| (now() - step.time).max(0.0))
    }
}
