//! What runs a plan: the GPU, or the CPU's twins.

use super::{BufferId, Plan, Program};
use crate::error::Result;

/// What one batch left in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchLog {
    /// Sum of the losses of the batch's rows.
    pub loss: f32,
    /// Rows whose largest logit is the label's.
    pub hits: u32,
}

impl BatchLog {
    /// The log buffer's words, two a batch.
    pub fn read(words: &[u32]) -> Vec<Self> {
        words.chunks_exact(2).map(|pair| Self { loss: f32::from_bits(pair[0]), hits: pair[1] }).collect()
    }
}

/// Runs any plan. Submissions are answered in order; how many may wait at a time is the executor's own affair.
pub trait Executor {
    fn plan(&self) -> &Plan;

    /// Overwrites the first words of a buffer, before what is submitted next.
    fn write(&mut self, buffer: BufferId, words: &[u32]);

    /// The words of a buffer, after everything submitted so far.
    fn read(&mut self, buffer: BufferId) -> Result<Vec<u32>>;

    /// Starts `batches` (at most [`Plan::BATCHES`]) runs of a program, which go on from the progress buffer.
    fn submit(&mut self, program: Program, batches: usize) -> Result<()>;

    /// Waits for the oldest submission not yet collected; its batches' logs.
    fn collect(&mut self) -> Result<Vec<BatchLog>>;

    /// Submissions worth having under way at a time.
    fn depth(&self) -> usize;
}
