//! What runs a plan: the GPU, or the CPU references.

use std::ops::Range;
use std::time::Duration;

use web_time::Instant;

use super::{BufferId, Plan, Program};
use crate::error::Result;
use crate::kernels::left_part;

/// What a batch left in the log, or one of its micro-batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchLog {
    /// Sum of the losses of its rows.
    pub loss: f32,
    /// Rows whose largest logit is the label's.
    pub correct: u32,
}

impl BatchLog {
    /// That of a whole batch of whose micro-batches there is one each. They are added up as their gradients are.
    pub fn of_batch(parts: &[Self]) -> Self {
        match (left_part(parts.len()), parts) {
            (Some(left), _) => {
                let [left, right] = [&parts[..left], &parts[left..]].map(Self::of_batch);
                Self { loss: left.loss + right.loss, correct: left.correct + right.correct }
            }
            (None, [one]) => *one,
            (None, _) => Self { loss: 0.0, correct: 0 },
        }
    }

    /// The log buffer's words, two a row.
    pub fn read(words: &[u32]) -> Vec<Self> {
        words.chunks_exact(2).map(|pair| Self { loss: f32::from_bits(pair[0]), correct: pair[1] }).collect()
    }
}

/// When the passes of one submission ran.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Start and end of every pass of every batch, in order, in nanoseconds from the start of the first one.
    pub passes: Vec<Range<f64>>,
    pub clock: Clock,
    /// When the host began to record the submission.
    pub submitted: Instant,
    /// The host's time from there until the device was done.
    pub wall: Duration,
}

/// Whose clock timed the passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The GPU's: what it did itself.
    Device,
    /// The host's, around CPU references, which run at once; or around passes submitted one by one, where the device has no
    /// clock: then a pass includes the way to the device and back.
    Host,
}

/// Runs any plan. Submissions are answered in order; how many may wait at a time is the executor's own affair.
pub trait Executor {
    fn plan(&self) -> &Plan;

    /// Overwrites words of a buffer from the one at `first` on, before what is submitted next.
    ///
    /// # Errors
    /// Where there is no such buffer, or it has fewer words.
    fn write_at(&mut self, buffer: BufferId, first: usize, words: &[u32]) -> Result<()>;

    /// Some words of a buffer, after everything submitted so far.
    ///
    /// # Errors
    /// Where there is no such buffer, or it has fewer words, or what the device reports.
    fn read_at(&mut self, buffer: BufferId, words: Range<usize>) -> Result<Vec<u32>>;

    /// Overwrites the first words of a buffer: see [`Self::write_at`].
    ///
    /// # Errors
    /// See [`Self::write_at`].
    fn write(&mut self, buffer: BufferId, words: &[u32]) -> Result<()> {
        self.write_at(buffer, 0, words)
    }

    /// The words of a buffer: see [`Self::read_at`].
    ///
    /// # Errors
    /// See [`Self::read_at`].
    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>> {
        let words = self.plan().buffers.get(buffer.0).map_or(0, |buffer| buffer.words);
        self.read_at(buffer, 0..words)
    }

    /// Starts `batches` runs of a program, which go on from the progress buffer.
    ///
    /// # Errors
    /// More than [`Plan::BATCHES`] of them, or what the device reports.
    fn submit(&mut self, program: Program, batches: usize) -> Result<()>;

    /// Waits for the oldest submission not yet collected; its batches' rows of the log: see [`Plan::log_rows`].
    fn collect(&mut self) -> Result<Vec<BatchLog>>;

    /// Runs `batches` of a program as [`Self::submit`] does, each pass timed, and waits for them. They leave no log to
    /// collect.
    fn time(&mut self, program: Program, batches: usize) -> Result<Timeline>;

    /// Submissions worth having under way at a time.
    fn in_flight(&self) -> usize;
}
