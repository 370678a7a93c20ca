//! What layers add their buffers and passes to. Forward passes come in order; what a layer's `emit` returns adds the
//! backward ones, the last layer's first.

use std::sync::Arc;

use super::arenas::{Arenas, Storage};
use super::buffers::Buffers;
use super::{BufferId, HostBuffers, Pass, VariableSpec};
use crate::gemm::GemmSelection;
use crate::kernels::{Add, Kernel, Partitions, ReluMask};

/// The activations of a micro-batch between two layers, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// A value's buffers, and what is known of it.
#[derive(Clone, Debug)]
struct Value {
    output: BufferId,
    /// Unused (and one word long) where the value needs no gradient.
    gradient: BufferId,
    /// Values of the whole micro-batch.
    values: usize,
    /// Set where the value went through ReLU: what dropout scaled it by since. A gradient then passes where the value
    /// is positive, with that scale.
    relu_mask: ReluMask,
    /// Whether anything before it has weights.
    needs_gradient: bool,
    /// Stages that read the value, each of which leaves its part of the gradient.
    readers: usize,
    /// The buffers of these parts, as they come; of one reader, the gradient itself.
    parts: Vec<BufferId>,
}

/// A network's buffers and passes as they come.
pub struct Tape<'a> {
    /// Rows of a micro-batch.
    pub rows: usize,
    /// Micro-batches of a step, each of which leaves its own gradients.
    pub micro_batches: usize,
    pub tiles: &'a GemmSelection,
    pub host: HostBuffers,
    arenas: Arenas,
    buffers: Buffers,
    values: Vec<Value>,
    recorded: Recorded,
    dropouts: u32,
}

/// A network's passes between the pixels and the loss, in the order in which they run.
#[derive(Default)]
pub struct Recorded {
    pub forward: Vec<Pass>,
    /// Of the forward passes those that evaluation leaves out, by their places.
    pub training_only: Vec<usize>,
    pub backward: Vec<Pass>,
}

impl<'a> Tape<'a> {
    /// Over the host's buffers, with no value yet.
    pub(crate) fn new(
        rows: usize,
        micro_batches: usize,
        tiles: &'a GemmSelection,
        host: HostBuffers,
        buffers: Buffers,
    ) -> Self {
        let (arenas, values, recorded) = (Arenas::default(), Vec::new(), Recorded::default());
        Self { rows, micro_batches, tiles, host, arenas, buffers, values, recorded, dropouts: 0 }
    }

    pub fn buffer(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        self.buffers.add(name, shape)
    }

    /// The next value, which the layer of that name makes and so many stages read: `values` a sample. `output` is its
    /// buffer if there is one.
    pub(crate) fn value(
        &mut self,
        layer: &str,
        values: usize,
        readers: usize,
        needs_gradient: bool,
        output: Option<BufferId>,
    ) -> ValueId {
        let shape = vec![self.rows, values];
        let output = output.unwrap_or_else(|| self.buffer(&format!("{layer}.output"), shape.clone()));
        let gradient = self.buffer(&format!("{layer}.output.gradient"), if needs_gradient { shape } else { vec![1] });
        let values = self.rows * values;
        self.values.push(Value {
            output,
            gradient,
            values,
            relu_mask: None,
            needs_gradient,
            readers,
            parts: Vec::new(),
        });
        ValueId(self.values.len() - 1)
    }

    /// The buffer of a value, `[rows, values of a sample]`.
    pub fn output(&self, ValueId(value): ValueId) -> BufferId {
        self.values[value].output
    }

    /// Values of the whole micro-batch.
    pub fn values(&self, ValueId(value): ValueId) -> usize {
        self.values[value].values
    }

    pub fn relu_mask(&self, ValueId(value): ValueId) -> ReluMask {
        self.values[value].relu_mask
    }

    pub fn set_relu_mask(&mut self, ValueId(value): ValueId, relu_mask: ReluMask) {
        self.values[value].relu_mask = relu_mask;
    }

    pub fn needs_gradient(&self, ValueId(value): ValueId) -> bool {
        self.values[value].needs_gradient
    }

    /// The gradient of a value, as the layers behind it left it.
    pub fn gradient_of(&self, ValueId(value): ValueId) -> BufferId {
        self.values[value].gradient
    }

    /// The buffer for a reader's part of a value's gradient; none where nothing needs it. Parts are whole: what a reader
    /// does not reach is zero, as buffers are before anything ran.
    pub fn gradient(&mut self, ValueId(number): ValueId) -> Option<BufferId> {
        let Value { gradient, needs_gradient, readers, values, .. } = self.values[number];
        if !needs_gradient {
            return None;
        }
        let part = match readers {
            0 | 1 => gradient,
            _ => {
                let name = format!("{}.{}", self.buffers.0[gradient.0].name, self.values[number].parts.len());
                self.buffer(&name, vec![self.rows, values / self.rows])
            }
        };
        self.values[number].parts.push(part);
        Some(part)
    }

    /// Adds up the parts of gradients that are complete, in the order in which they came.
    pub(crate) fn add_up_gradients(&mut self) {
        for number in 0..self.values.len() {
            let Value { gradient, values, readers, .. } = self.values[number];
            if readers < 2 || self.values[number].parts.len() < readers {
                continue;
            }
            let parts = std::mem::take(&mut self.values[number].parts);
            let name = self.buffers.0[gradient.0].name.clone();
            let mut sum = parts[0];
            for (place, part) in parts.iter().enumerate().skip(1) {
                let last = place + 1 == parts.len();
                let shape = vec![self.rows, values / self.rows];
                let to = if last { gradient } else { self.buffer(&format!("{name}.sum_{place}"), shape) };
                self.backward(&name, Add { values }, &[sum, *part, to]);
                sum = to;
            }
        }
    }

    /// The number of the next dropout, which its random numbers follow from.
    pub fn next_dropout(&mut self) -> u32 {
        self.dropouts += 1;
        self.dropouts - 1
    }

    /// Makes room for a layer's variables, whose gradients lie as `gradients` in what the layer's product writes.
    pub fn variables(&mut self, layer: &str, variables: &[VariableSpec], gradients: &[Partitions]) -> Storage {
        self.arenas.add(&mut self.buffers, layer, variables, gradients, self.micro_batches)
    }

    pub fn forward(&mut self, layer: &str, kernel: impl Kernel + 'static, buffers: &[BufferId]) {
        self.forward_from(layer, kernel, buffers, vec![0; buffers.len()]);
    }

    /// A forward pass whose bindings start at these words of their buffers.
    pub fn forward_from(
        &mut self,
        layer: &str,
        kernel: impl Kernel + 'static,
        buffers: &[BufferId],
        offsets: Vec<usize>,
    ) {
        self.recorded.forward.push(Pass { offsets, ..pass(layer, kernel, buffers) });
    }

    /// A forward pass that evaluation leaves out.
    pub fn forward_in_training(&mut self, layer: &str, kernel: impl Kernel + 'static, buffers: &[BufferId]) {
        self.recorded.training_only.push(self.recorded.forward.len());
        self.forward(layer, kernel, buffers);
    }

    pub fn backward(&mut self, layer: &str, kernel: impl Kernel + 'static, buffers: &[BufferId]) {
        self.backward_from(layer, kernel, buffers, vec![0; buffers.len()]);
    }

    /// A backward pass whose bindings start at these words of their buffers.
    pub fn backward_from(
        &mut self,
        layer: &str,
        kernel: impl Kernel + 'static,
        buffers: &[BufferId],
        offsets: Vec<usize>,
    ) {
        self.recorded.backward.push(Pass { offsets, ..pass(layer, kernel, buffers) });
    }

    /// The buffers, those of the variables among them, and the passes.
    pub(crate) fn end(self) -> (Buffers, Arenas, Recorded) {
        (self.buffers, self.arenas, self.recorded)
    }
}

/// A pass over whole buffers.
pub(crate) fn pass(layer: &str, kernel: impl Kernel + 'static, buffers: &[BufferId]) -> Pass {
    let offsets = vec![0; buffers.len()];
    Pass { layer: layer.to_owned(), kernel: Arc::new(kernel), buffers: buffers.to_vec(), offsets }
}
