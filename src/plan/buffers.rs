//! Making the buffers of a plan.

use super::{Buffer, BufferId, words};
use crate::precision::Precision;

/// The buffers of a plan as they come.
#[derive(Default)]
pub(crate) struct Buffers(pub(crate) Vec<Buffer>);

impl Buffers {
    pub(crate) fn add(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        self.add_stored(name, shape, Precision::F32)
    }

    /// With numbers of that precision.
    pub(crate) fn add_stored(&mut self, name: &str, shape: Vec<usize>, precision: Precision) -> BufferId {
        let words = words(&shape).div_ceil(4 / precision.bytes());
        self.0.push(Buffer { name: name.to_owned(), shape, precision, words, initial: Vec::new() });
        BufferId(self.0.len() - 1)
    }

    /// With these words in it from the beginning.
    pub(crate) fn add_filled(&mut self, name: &str, initial: Vec<u32>) -> BufferId {
        let id = self.add(name, vec![initial.len()]);
        self.0[id.0].initial = initial;
        id
    }

    /// Names a buffer, and says how large it is, once that is known.
    pub(crate) fn define(&mut self, id: BufferId, name: &str, shape: Vec<usize>) {
        let words = words(&shape);
        self.0[id.0] = Buffer { name: name.to_owned(), shape, precision: Precision::F32, words, initial: Vec::new() };
    }

    /// Makes a buffer that nothing will use one word long.
    pub(crate) fn unneeded(&mut self, id: BufferId) {
        let name = std::mem::take(&mut self.0[id.0].name);
        self.define(id, &name, vec![1]);
    }

    /// Bytes, four a word.
    pub(crate) fn add_bytes(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        let id = self.add(name, shape);
        let buffer = &mut self.0[id.0];
        buffer.words = buffer.words.div_ceil(4);
        id
    }
}
