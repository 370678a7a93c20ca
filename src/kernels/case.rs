//! What the kernels' cases are made of. Each kernel's file has its own: odd shapes, tails, every tile that ships.
//!
//! Products are tested on small multiples of 1/8, whose sums are exact in f32 in any order: shader and CPU reference must then
//! agree to the bit. Only kernels with `exp`, `log`, `sqrt` or a division have tolerances.

pub use super::kernel::{Case, Tolerance};
use super::{Kernel, Progress};
use crate::random::{Sequence, Stream};

/// What buffers that are only written hold before: a NaN that no kernel computes, so that nothing written shows.
pub const SENTINEL: u32 = 0x7fc0_dead;

/// Draws the contents of a case's buffers.
pub(super) struct Draw(pub(super) Sequence);

impl Draw {
    pub(super) fn new(number: usize) -> Self {
        Self(Sequence::new(2020, Stream::Cases, number as u32))
    }

    /// Multiples of 1/8 from -1 to 1.
    pub(super) fn eighths(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| ((self.0.below(17) as f32 - 8.0) / 8.0).to_bits()).collect()
    }

    pub(super) fn numbers(&mut self, count: usize, limit: f32) -> Vec<u32> {
        (0..count).map(|_| self.0.symmetric(limit).to_bits()).collect()
    }

    pub(super) fn below(&mut self, count: usize, bound: u32) -> Vec<u32> {
        (0..count).map(|_| self.0.below(bound)).collect()
    }

    /// Bytes, four a word.
    pub(super) fn bytes(&mut self, count: usize, bound: u32) -> Vec<u32> {
        let mut bytes: Vec<u8> = (0..count).map(|_| self.0.below(bound) as u8).collect();
        bytes.resize(count.next_multiple_of(4), 0);
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
    }
}

pub(super) fn unwritten(count: usize) -> Vec<u32> {
    vec![SENTINEL; count]
}

pub(super) fn progress(batch: u32, step: u32, samples: u32, micro_batch: u32) -> Vec<u32> {
    let progress = Progress { batch, step, samples, micro_batch, seed: [2020, 7] };
    bytemuck::cast_slice(&[progress]).to_vec()
}

/// A case whose numbers agree to the bit.
pub(super) fn case(label: String, kernel: impl Kernel + 'static, memory: Vec<Vec<u32>>) -> Case {
    debug_assert_eq!(memory.len(), kernel.descriptor().bindings.len());
    Case { label, kernel: Box::new(kernel), memory, tolerances: Vec::new(), class: None }
}
