//! A training step as data: named buffers and ordered passes. Making a plan needs no device; an [`Executor`] runs it.

mod arenas;
mod bare;
mod check;
mod executor;
mod lower;
mod stages;
mod variables;

pub use bare::{Bare, single};
pub use check::MOST_BINDINGS;
pub use executor::{BatchLog, Clock, Executor, Timeline};
pub use lower::{LARGEST_BATCH, Options, equal_parts, lower};
pub use variables::{Gradient, Place, Training, Variable, VariableKind};

use std::sync::Arc;

use crate::kernels::{Kernel, Tiling};
use crate::model::Model;
use crate::optimizers::Optimizer;

/// A buffer of a plan, by its place in [`Plan::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(pub usize);

/// A named run of 32-bit words on the device.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// `conv2d.output.gradient`, say.
    pub name: String,
    pub shape: Vec<usize>,
    /// Words: the product of the shape, or a quarter of it where the elements are bytes.
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
    /// The word that each binding starts at: a multiple of [`BINDING_ALIGNMENT`](crate::kernels::BINDING_ALIGNMENT).
    pub offsets: Vec<usize>,
}

/// The two lists of passes of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Forward, backward and update of one batch.
    Training,
    /// Forward of one micro-batch, without dropout; leaves the probabilities.
    Evaluation,
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
    /// `[batches, numbers]`: what the optimizer's rule computes for each step.
    pub rates: BufferId,
    /// [`crate::kernels::Progress`]
    pub progress: BufferId,
    /// `[batches, 2]`: loss sum and hits of each batch.
    pub log: BufferId,
    /// `[micro_batch, classes]`
    pub logits: BufferId,
    /// `[micro_batch, classes]`
    pub probabilities: BufferId,
}

/// Everything an executor needs to train and evaluate one model with one batch size.
#[derive(Debug)]
pub struct Plan {
    pub model: Model,
    pub batch: usize,
    /// Rows of a batch that go through the network at a time: see [`Options::micro_batch`].
    pub micro_batch: usize,
    pub tiles: Tiling,
    /// Samples that the image and label buffers hold.
    pub samples: usize,
    pub buffers: Vec<Buffer>,
    pub training: Vec<Pass>,
    pub evaluation: Vec<Pass>,
    pub optimizer: Optimizer,
    /// In the order of the layers.
    pub variables: Vec<Variable>,
    pub host: HostBuffers,
}

impl Plan {
    /// The most batches that one submission may run: the length of the order, the rates and the log.
    pub const BATCHES: usize = 16;

    /// Rows of one run of a program: evaluation has no reason to take more than a micro-batch.
    pub fn rows(&self, program: Program) -> usize {
        match program {
            Program::Training => self.batch,
            Program::Evaluation => self.micro_batch,
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

    /// Numbers in all variables.
    pub fn weights(&self) -> usize {
        self.variables.iter().map(|variable| variable.values.words).sum()
    }
}

/// Words of a buffer of that shape; what does not even fit here is refused by [`Plan::check`].
fn words(shape: &[usize]) -> usize {
    shape.iter().fold(1, |words: usize, extent| words.saturating_mul(*extent)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tiles;
    use crate::model::notebook;

    /// What a pass is for and what it has to move, by hand; a binding that a kernel misnames would count as any other.
    #[test]
    fn work_is_counted() {
        let (model, _) = notebook("cnn1").unwrap();
        let plan = lower(&model, Options::new(512, Tiles::Cpu, 10_000)).unwrap();
        let work = |layer: &str, kernel: &str| {
            let pass =
                plan.training.iter().find(|pass| pass.layer == layer && pass.kernel.row().name == kernel).unwrap();
            (pass.kernel.operations(), plan.traffic(pass))
        };
        let order = 4 * 512;
        let pixels = 512 * 784;
        assert_eq!(work("input", "gather"), (pixels, pixels + 512 + order + 4 * 6 + 4 * pixels + 4 * 512));
        // 26 x 26 positions and 13 x 13 after the pool, 9 taps, 32 filters; eight windows' places in a word.
        let [rows, pooled] = [512 * 26 * 26, 512 * 13 * 13];
        let moved = pixels + 10 * 32 + pooled * 32 + pooled / 8 * 32;
        assert_eq!(work("conv2d", "conv_forward"), (2 * rows * 9 * 32, 4 * moved));
        assert_eq!(work("conv2d", "conv_weight_gradient").0, 2 * pooled * 9 * 32);
        let [convolution, dense, last] = [10 * 32, 5409 * 128, 129 * 10];
        let values = convolution + dense + last;
        let partitions = 64 * convolution + dense + 4 * last;
        // A word a workgroup of 64 values, kernels and biases each for themselves, and six a variable.
        let table = 5 + 1 + 10_816 + 2 + 20 + 1 + 6 * 6;
        assert_eq!(work("weights", "adam"), (11 * values + partitions, 4 * (partitions + 1 + 6 + table + 6 * values)));
        assert_eq!(plan.operations(Program::Evaluation), {
            let products = rows * 9 * 32 + 512 * (5408 * 128 + 128 * 10);
            2 * products + pixels + 4 * 512 * 10 + 512
        });
    }

    /// A product in slots is for as much as one that is not, but writes more; `join` adds that up.
    #[test]
    fn work_in_slots_is_counted() {
        let (model, _) = notebook("cnn1").unwrap();
        let plan = lower(&model, Options::new(512, Tiles::Gpu, 10_000)).unwrap();
        let work = |kernel: &str| {
            let of_kernel = |pass: &&Pass| pass.layer == "dense" && pass.kernel.row().name == kernel;
            let pass = plan.evaluation.iter().find(of_kernel).unwrap();
            (pass.kernel.operations(), plan.traffic(pass))
        };
        let (outputs, slots) = (512 * 128, 13);
        let moved = 512 * 5408 + 5409 * 128 + slots * outputs + 1;
        assert_eq!(work("conv_forward"), (2 * 5408 * outputs, 4 * moved));
        assert_eq!(work("join"), (slots * outputs, 4 * (slots * outputs + 128 + outputs)));
    }
}
