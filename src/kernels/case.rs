//! What the kernels' cases are made of. Each kernel's file has its own: odd shapes, tails, every tile that ships.
//!
//! Products are tested on small multiples of 1/8, whose sums are exact in f32 in any order: shader and twin must then
//! agree to the bit. Only kernels with `exp`, `log`, `sqrt` or a division have tolerances.

use super::{Access, Kernel, Progress};
use crate::gemm::DeviceClass;
use crate::random::{Sequence, Stream};

/// One kernel, one specialisation, and what its buffers hold before it runs.
pub struct Case {
    pub label: String,
    pub kernel: Box<dyn Kernel>,
    /// One buffer for each binding of the kernel's row.
    pub memory: Vec<Vec<u32>>,
    /// How far numbers of each binding may be apart; those of bindings beyond the list, and integers, agree to the bit.
    pub tolerances: Vec<Tolerance>,
    /// The class of device whose profile the kernel's configuration is from, if it has one.
    pub class: Option<DeviceClass>,
}

/// How far a number may be from the twin's: `|shader - twin| <= relative * |twin| + absolute`. The absolute part is for what
/// is left where larger numbers cancel; small numbers that come of none need it to be zero, or nobody would look at them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    pub relative: f32,
    pub absolute: f32,
}

impl Tolerance {
    /// The same bits, or both zero.
    pub const EXACT: Self = Self { relative: 0.0, absolute: 0.0 };
}

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

pub(super) fn progress(batch: u32, time: u32, samples: u32, portion: u32) -> Vec<u32> {
    let progress = Progress { batch, time, samples, portion, seed: [2020, 7] };
    bytemuck::cast_slice(&[progress]).to_vec()
}

/// A case whose numbers agree to the bit.
pub(super) fn case(label: String, kernel: impl Kernel + 'static, memory: Vec<Vec<u32>>) -> Case {
    debug_assert_eq!(memory.len(), kernel.row().bindings.len());
    Case { label, kernel: Box::new(kernel), memory, tolerances: Vec::new(), class: None }
}

impl Case {
    /// The buffers after the twin ran.
    pub fn expected(&self) -> Vec<Vec<u32>> {
        let mut memory = self.memory.clone();
        let mut views: Vec<&mut [u32]> = memory.iter_mut().map(Vec::as_mut_slice).collect();
        self.kernel.twin(&mut views);
        memory
    }

    /// How far numbers of the binding may be apart: what is only read stays as it is.
    pub fn tolerance(&self, binding: usize) -> Tolerance {
        let tolerance = self.tolerances.get(binding).filter(|_| self.writes(binding));
        tolerance.copied().unwrap_or(Tolerance::EXACT)
    }

    /// Whether the binding's buffer is written.
    pub fn writes(&self, binding: usize) -> bool {
        self.kernel.row().bindings[binding].access == Access::Write
    }
}
