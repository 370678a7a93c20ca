//! What changes from step to step, on the device, so that every step is the same recording.

use bytemuck::{Pod, Zeroable};

/// The shaders' `struct Progress`, field for field.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct Progress {
    /// The batch within the order, from 0; also the row of the log.
    pub batch: u32,
    /// Training steps done since the start; dropout's counter.
    pub step: u32,
    /// Samples in the order; the last batch may have fewer rows than the others.
    pub samples: u32,
    /// The micro-batch that is under way, from 0: a plan may take a large batch a few rows at a time.
    pub micro_batch: u32,
    pub seed: [u32; 2],
}

impl Progress {
    pub(super) fn read(words: &[u32]) -> Self {
        *bytemuck::from_bytes(bytemuck::cast_slice(&words[..Self::WORDS]))
    }

    /// Words of the buffer.
    pub const WORDS: usize = size_of::<Self>() / 4;

    /// Rows of the present batch that count.
    pub(super) fn rows(&self, batch: usize) -> usize {
        (self.samples as usize).saturating_sub(self.batch as usize * batch).min(batch)
    }

    /// The same of its present micro-batch of at most `micro_batch` rows.
    pub(super) fn micro_batch_rows(&self, batch: usize, micro_batch: usize) -> usize {
        self.rows(batch).saturating_sub(self.micro_batch as usize * micro_batch).min(micro_batch)
    }
}
