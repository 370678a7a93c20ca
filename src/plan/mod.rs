//! A training step as data: named buffers and ordered passes. Making a plan needs no device; an [`Executor`] runs it.

mod bare;
mod check;
mod executor;
mod tape;

pub use bare::{Bare, single};
pub use check::MOST_BINDINGS;
pub use executor::{BatchLog, Clock, Executor, Timeline};
pub(crate) use tape::{Buffers, pass};
pub use tape::{Recorded, Tape, ValueId};

use std::sync::Arc;

use crate::kernels::{Adam, Kernel, Tiling};
use crate::model::Model;

/// A buffer of a plan, by its place in [`Plan::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(pub usize);

/// A named run of 32-bit words on the device.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// `conv2d.weights.gradient`, say.
    pub name: String,
    pub shape: Vec<usize>,
    /// Words: the product of the shape, or a quarter of it where the elements are bytes.
    pub words: usize,
}

/// One dispatch of one kernel.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The layer it belongs to, for people.
    pub layer: String,
    pub kernel: Arc<dyn Kernel>,
    /// One buffer for each binding of the kernel's row.
    pub buffers: Vec<BufferId>,
    /// The word that each binding starts at: a multiple of [`BINDING_ALIGNMENT`](crate::kernels::BINDING_ALIGNMENT).
    pub offsets: Vec<usize>,
}

/// The two lists of passes of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Forward, backward and update of one batch.
    Training,
    /// Forward of one portion of a batch, without dropout; leaves the probabilities.
    Evaluation,
}

/// Kernel and bias of a layer, kept as one matrix: the kernel's rows, then the bias as the last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// `[KH, KW, C, filters]` or `[in, units]`.
    pub kernel: Vec<usize>,
    /// Rows of the kernel: the product of all its dimensions but the last (the fan-in).
    pub rows: usize,
    /// Columns: filters or units.
    pub columns: usize,
}

impl Weights {
    /// Values in kernel and bias.
    pub fn values(&self) -> usize {
        (self.rows + 1) * self.columns
    }
}

/// The weights of one layer and what training keeps beside them.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The layer's name.
    pub layer: String,
    pub shape: Weights,
    /// `[rows + 1, columns]`: the kernel, then the bias.
    pub weights: BufferId,
    /// The gradient is the sum over its slots: see [`Adam::slots`].
    pub gradient: BufferId,
    pub adam: Adam,
    pub first_moment: BufferId,
    pub second_moment: BufferId,
}

/// The buffers that the host writes and reads.
#[derive(Clone, Copy, Debug)]
pub struct HostBuffers {
    /// `[samples, H*W*C]` bytes.
    pub images: BufferId,
    /// `[samples]` bytes.
    pub labels: BufferId,
    /// `[batches * batch]`: the samples to visit, by number.
    pub order: BufferId,
    /// `[batches]`: Adam's rate of each batch.
    pub rates: BufferId,
    /// [`crate::kernels::Progress`]
    pub progress: BufferId,
    /// `[batches, 2]`: loss sum and correct predictions of each batch.
    pub log: BufferId,
    /// `[portion, classes]`
    pub logits: BufferId,
    /// `[portion, classes]`
    pub probabilities: BufferId,
}

/// Everything an executor needs to train and evaluate one model with one batch size.
#[derive(Debug)]
pub struct Plan {
    pub model: Model,
    pub batch: usize,
    /// Rows of a batch that go through the network at a time: see [`Options::portion`].
    pub portion: usize,
    pub tiles: Tiling,
    /// Samples that the image and label buffers hold.
    pub samples: usize,
    pub buffers: Vec<Buffer>,
    pub training: Vec<Pass>,
    pub evaluation: Vec<Pass>,
    pub parameters: Vec<Parameter>,
    pub host: HostBuffers,
}

impl Plan {
    /// The most batches that one submission may run: the length of the order, the rates and the log.
    pub const BATCHES: usize = 16;

    /// Rows of one run of a program: evaluation has no reason to take more than a portion.
    pub fn rows(&self, program: Program) -> usize {
        match program {
            Program::Training => self.batch,
            Program::Evaluation => self.portion,
        }
    }

    pub fn passes(&self, program: Program) -> &[Pass] {
        match program {
            Program::Training => &self.training,
            Program::Evaluation => &self.evaluation,
        }
    }

    /// # Panics
    /// Where the plan has no such buffer.
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        &self.buffers[id.0]
    }

    /// Bytes that a pass has to move between memory and the device: see [`Kernel::traffic`].
    pub fn traffic(&self, pass: &Pass) -> usize {
        let bound = pass.kernel.row().bindings.iter().zip(&pass.buffers);
        4 * bound.map(|(binding, id)| pass.kernel.traffic(binding.name, self.buffer(*id).words)).sum::<usize>()
    }

    /// Floating-point operations of one batch: see [`Kernel::operations`].
    pub fn operations(&self, program: Program) -> usize {
        self.passes(program).iter().map(|pass| pass.kernel.operations()).sum()
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(|buffer| 4 * buffer.words as u64).sum()
    }

    /// Weights of the model, biases included.
    pub fn weights(&self) -> usize {
        self.parameters.iter().map(|parameter| parameter.shape.values()).sum()
    }
}

/// Words of a buffer of that shape; what does not even fit here is refused by [`Plan::check`].
fn words(shape: &[usize]) -> usize {
    shape.iter().fold(1, |words: usize, extent| words.saturating_mul(*extent)).max(1)
}
