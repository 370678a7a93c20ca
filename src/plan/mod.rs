//! A training step as data: named buffers and ordered passes. Making a plan needs no device; an [`Executor`] runs it.

mod arenas;
mod buffers;
mod check;
mod custom;
mod cut;
mod exchange;
mod executor;
mod initial;
mod precision;
mod rounds;
mod tape;
mod updating;
mod variables;
mod whitening;

pub(crate) use arenas::{Arenas, Division, Finished};
pub use arenas::{Change, Storage};
pub(crate) use buffers::Buffers;
pub use check::MOST_BINDINGS;
pub use custom::{CustomPlan, single};
pub use exchange::{Exchange, ExchangedPart, Round};
pub use executor::{BatchLog, Clock, Executor, Timeline};
pub use initial::{Dirac, Initial};
pub(crate) use precision::store;
pub use tape::{ForwardPass, Recorded, Tape, ValueId};
pub use variables::{Gradient, Place, Training, Variable, VariableKind, VariableSpec};
pub use whitening::Whitening;

use std::sync::Arc;

use crate::kernels::{Element, Kernel};
use crate::precision::Precision;

/// A buffer of a plan, by its place in [`Plan::buffers`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BufferId(pub usize);

/// A named run of 32-bit words on the device.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// `conv2d.output.gradient`, say.
    pub name: String,
    pub shape: Vec<usize>,
    /// In how many bits its numbers are.
    pub precision: Precision,
    /// Words: the product of the shape, half of it where numbers have 16 bits, or a quarter where the elements are bytes.
    pub words: usize,
    /// Its first words before anything ran; those beyond are zero.
    pub initial: Vec<u32>,
}

/// One dispatch of one kernel.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The layer it belongs to, for people.
    pub layer: String,
    pub kernel: Arc<dyn Kernel>,
    /// One buffer for each binding of the kernel's row.
    pub buffers: Vec<BufferId>,
    /// The word that each binding starts at: a multiple of [`BINDING_ALIGNMENT`](crate::kernels::BINDING_ALIGNMENT). On a
    /// tape and until `store`, the number: of 16 bits there are two a word.
    pub offsets: Vec<usize>,
}

impl Pass {
    /// Bytes that it has to move between memory and the device: see [`Kernel::traffic`].
    pub fn traffic(&self) -> usize {
        let bound = self.kernel.descriptor().bindings.iter().zip(self.kernel.words());
        4 * bound.map(|(binding, words)| self.kernel.traffic(binding.name, words)).sum::<usize>()
    }
}

/// The lists of passes of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Forward, backward and update of one batch; or of a process' share of one, forward and backward, and the sums of
    /// its gradients: of those at least that go on their way first.
    Training,
    /// What is left of a process' share then: the end of its last backward, and the other sums.
    Rest,
    /// Forward of one micro-batch, without dropout; leaves the probabilities.
    Evaluation,
    /// Adds up what other processes sent of the same batch.
    Joining,
    /// The update of a batch that several processes share.
    Update,
}

impl Program {
    pub const ALL: [Self; 5] = [Self::Training, Self::Rest, Self::Evaluation, Self::Joining, Self::Update];
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
    /// `[batches, numbers]`: what the optimizer computes for each step, and what clips its gradients.
    pub rates: BufferId,
    /// [`crate::kernels::Progress`]
    pub progress: BufferId,
    /// `[micro_batch, classes]`
    pub logits: BufferId,
    /// `[micro_batch, classes]`
    pub probabilities: BufferId,
    /// `[batches * batch]` of [`crate::augment::Transform`]: what befalls each sample of the order. Only where anything may.
    pub transforms: Option<BufferId>,
    /// [`crate::kernels::LossScale`], where the loss is scaled.
    pub loss_scale: Option<BufferId>,
}

/// Everything that an executor needs: buffers, and the programs over them.
#[derive(Debug, Default)]
pub struct Plan {
    pub buffers: Vec<Buffer>,
    pub training: Vec<Pass>,
    pub rest: Vec<Pass>,
    pub evaluation: Vec<Pass>,
    pub joining: Vec<Pass>,
    pub update: Vec<Pass>,
    /// `[batches, rows, 2]`: loss sum and correct predictions, which executors give back.
    pub log: BufferId,
    /// Rows of the log that a batch of training has where it is more than one: one for each micro-batch.
    pub training_rows: usize,
}

impl Plan {
    /// The most batches that one submission may run: the length of the order, the rates and the log.
    pub const BATCHES: usize = 16;

    pub fn passes(&self, program: Program) -> &[Pass] {
        match program {
            Program::Training => &self.training,
            Program::Rest => &self.rest,
            Program::Evaluation => &self.evaluation,
            Program::Joining => &self.joining,
            Program::Update => &self.update,
        }
    }

    /// Rows of the log that a batch has.
    pub fn log_rows(&self, program: Program) -> usize {
        match program {
            Program::Training | Program::Rest => self.training_rows.max(1),
            Program::Evaluation | Program::Joining | Program::Update => 1,
        }
    }

    /// # Panics
    /// Where the plan has no such buffer.
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        &self.buffers[id.0]
    }

    /// Floating-point operations of one batch: see [`Kernel::operations`].
    pub fn operations(&self, program: Program) -> usize {
        self.passes(program).iter().map(|pass| pass.kernel.operations()).sum()
    }

    /// Bytes of what lies between layers and may be in 16 bits: activations and their gradients.
    pub fn activation_bytes(&self) -> u64 {
        let mut own = vec![false; self.buffers.len()];
        for pass in Program::ALL.into_iter().flat_map(|program| self.passes(program)) {
            let bindings = pass.kernel.descriptor().bindings.iter().zip(&pass.buffers);
            bindings.filter(|(binding, _)| binding.element == Element::Activation).for_each(|(_, id)| own[id.0] = true);
        }
        let own = self.buffers.iter().zip(own).filter(|(_, own)| *own);
        own.map(|(buffer, _)| 4 * buffer.words as u64).sum()
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(|buffer| 4 * buffer.words as u64).sum()
    }
}

/// A pass over whole buffers.
pub(crate) fn pass(layer: &str, kernel: impl Kernel + 'static, buffers: &[BufferId]) -> Pass {
    pass_of(layer, Arc::new(kernel), buffers.to_vec())
}

/// The same of a kernel of any kind.
pub(crate) fn pass_of(layer: &str, kernel: Arc<dyn Kernel>, buffers: Vec<BufferId>) -> Pass {
    let offsets = vec![0; buffers.len()];
    Pass { layer: layer.to_owned(), kernel, buffers, offsets }
}

/// Words of a buffer of that shape; what does not even fit here is refused by [`Plan::check`].
fn words(shape: &[usize]) -> usize {
    shape.iter().fold(1, |words: usize, extent| words.saturating_mul(*extent)).max(1)
}
