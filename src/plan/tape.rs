//! What layers add their buffers and passes to. Forward passes come in order; what a layer's `emit` returns adds the
//! backward ones, the last layer's first.

use super::arenas::{Arenas, Change, Storage};
use super::buffers::Buffers;
use super::{BufferId, HostBuffers, Pass, VariableSpec, pass};
use crate::gemm::GemmSelection;
use crate::kernels::{Add, ChannelValues, Function, Kernel, PointwiseBackward, ReluMask};
use crate::precision::Precision;

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
    /// Whether it went through a ReLU whose layer itself lets no gradient through where the value is zero.
    is_rectified: bool,
    /// Whether anything before it has weights.
    needs_gradient: bool,
    /// Stages that read the value, each of which leaves its part of the gradient.
    readers: usize,
    /// The buffers of these parts, as they come; of one reader, the gradient itself.
    parts: Vec<BufferId>,
}

/// A network's buffers and passes as they come.
pub struct Tape<'a> {
    /// Rows of a step.
    pub batch: usize,
    /// Rows of a micro-batch.
    pub rows: usize,
    /// Micro-batches of a step, each of which leaves its own gradients.
    micro_batches: usize,
    pub tiles: &'a GemmSelection,
    /// Of activations and their gradients, but for the pixels and the logits.
    pub precision: Precision,
    pub host: HostBuffers,
    arenas: Arenas,
    buffers: Buffers,
    values: Vec<Value>,
    recorded: Recorded,
    dropouts: u32,
    /// Gradients that are those of several values: nothing may change one in place.
    shared: Vec<BufferId>,
    /// Bound where a kernel takes a buffer that it does not use.
    unused: Vec<BufferId>,
}

/// A network's passes between the pixels and the loss, in the order in which they run.
#[derive(Default)]
pub struct Recorded {
    pub forward: Vec<ForwardPass>,
    pub backward: Vec<Pass>,
}

/// A forward pass and the programs that run it.
pub struct ForwardPass {
    pub pass: Pass,
    pub in_training: bool,
    pub in_evaluation: bool,
}

impl<'a> Tape<'a> {
    /// Over the host's buffers, with no value yet.
    pub(crate) fn new(
        [batch, rows]: [usize; 2],
        tiles: &'a GemmSelection,
        precision: Precision,
        host: HostBuffers,
        buffers: Buffers,
    ) -> Self {
        Self {
            precision,
            batch,
            rows,
            micro_batches: batch.div_ceil(rows),
            tiles,
            host,
            arenas: Arenas::default(),
            buffers,
            values: Vec::new(),
            recorded: Recorded::default(),
            dropouts: 0,
            shared: Vec::new(),
            unused: Vec::new(),
        }
    }

    pub fn buffer(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        self.buffers.add(name, shape)
    }

    /// A buffer of activations.
    pub fn activations(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        self.buffers.add_stored(name, shape, self.precision)
    }

    /// A buffer as another one is.
    fn buffer_like(&mut self, name: &str, BufferId(other): BufferId) -> BufferId {
        let (shape, precision) = (self.buffers.0[other].shape.clone(), self.buffers.0[other].precision);
        self.buffers.add_stored(name, shape, precision)
    }

    /// The next value, which the layer of that name makes and so many stages read: `values` a sample. `output` is its
    /// buffer if there is one: then value and gradient are f32, as pixels and logits are.
    pub(crate) fn value(
        &mut self,
        layer: &str,
        values: usize,
        readers: usize,
        needs_gradient: bool,
        output: Option<BufferId>,
    ) -> ValueId {
        let shape = vec![self.rows, values];
        let precision = if output.is_some() || !needs_gradient { Precision::F32 } else { self.precision };
        let output = output.unwrap_or_else(|| self.activations(&format!("{layer}.output"), shape.clone()));
        let shape = if needs_gradient { shape } else { vec![1] };
        let gradient = self.buffers.add_stored(&format!("{layer}.output.gradient"), shape, precision);
        let values = self.rows * values;
        self.values.push(Value {
            output,
            gradient,
            values,
            relu_mask: None,
            is_rectified: false,
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

    /// A value as rows of so many channels.
    pub fn channel_values(&self, value: ValueId) -> ChannelValues {
        let (batch, micro_batch) = (self.batch, self.rows);
        ChannelValues { batch, micro_batch, positions_per_row: 1, channels: self.values(value) / micro_batch }
    }

    pub fn relu_mask(&self, ValueId(value): ValueId) -> ReluMask {
        self.values[value].relu_mask
    }

    pub fn set_relu_mask(&mut self, ValueId(value): ValueId, relu_mask: ReluMask) {
        self.values[value].relu_mask = relu_mask;
    }

    /// Of a value that went through a ReLU whose layer needs no mask: its gradient may be anything where it is zero.
    pub fn set_rectified(&mut self, ValueId(value): ValueId) {
        self.values[value].is_rectified = true;
    }

    /// The mask that a value has, or that dropout may give it.
    pub fn possible_mask(&self, ValueId(value): ValueId) -> ReluMask {
        let Value { relu_mask, is_rectified, .. } = self.values[value];
        relu_mask.or(is_rectified.then_some(1.0))
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
        let Value { gradient, needs_gradient, readers, .. } = self.values[number];
        if !needs_gradient {
            return None;
        }
        let part = match readers {
            0 | 1 => gradient,
            _ => {
                let name = format!("{}.{}", self.buffers.0[gradient.0].name, self.values[number].parts.len());
                self.buffer_like(&name, gradient)
            }
        };
        self.values[number].parts.push(part);
        Some(part)
    }

    /// Of a stage whose output's gradient is that of an input, too, but for the input's ReLU mask.
    pub fn hand_on(&mut self, layer: &str, output: ValueId, input: ValueId) {
        match self.relu_mask(input) {
            None => self.share(layer, output, input),
            Some(_) => {
                if let Some(part) = self.gradient(input) {
                    self.copy_gradient(layer, self.gradient_of(output), input, part);
                }
            }
        }
    }

    /// The output's gradient is the input's as it is: no copy is made, but for an input that is read twice.
    pub fn share(&mut self, layer: &str, output: ValueId, input: ValueId) {
        let whole = self.gradient_of(output);
        let Value { gradient, needs_gradient, readers, .. } = self.values[input.0];
        if !needs_gradient {
            return;
        }
        if self.values[input.0].parts.contains(&whole) {
            if let Some(part) = self.gradient(input) {
                self.copy_masked(layer, whole, (input, None), part);
            }
            return;
        }
        self.shared.push(whole);
        self.values[input.0].parts.push(whole);
        if readers < 2 {
            self.buffers.unneeded(gradient);
            self.values[input.0].gradient = whole;
        }
    }

    /// `to` becomes `whole`, through the ReLU mask of `value`.
    pub(crate) fn copy_gradient(&mut self, layer: &str, whole: BufferId, value: ValueId, to: BufferId) {
        self.copy_masked(layer, whole, (value, self.relu_mask(value)), to);
    }

    fn copy_masked(&mut self, layer: &str, whole: BufferId, (value, mask): (ValueId, ReluMask), to: BufferId) {
        let kernel = PointwiseBackward {
            values: self.channel_values(value),
            normalise: false,
            other: None,
            function: Function::Linear,
            relu_mask: mask,
            other_gradient: None,
        };
        let [one, two, three, four] = [0, 1, 2, 3].map(|number| self.unused(number));
        let bound = [whole, self.output(value), one, two, three, self.host.progress, to, four];
        self.backward(layer, kernel, &bound);
    }

    /// The gradient of a value without a ReLU mask, for a pass that changes it: a copy where others are to read it as it
    /// is.
    pub fn own_gradient(&mut self, layer: &str, value: ValueId) -> BufferId {
        let whole = self.gradient_of(value);
        if !self.shared.contains(&whole) {
            return whole;
        }
        let own = self.buffer_like(&format!("{layer}.gradient"), whole);
        self.copy_gradient(layer, whole, value, own);
        self.values[value.0].gradient = own;
        own
    }

    /// A buffer of one word for a binding that a kernel does not use; a kernel that has several binds several.
    pub fn unused(&mut self, number: usize) -> BufferId {
        while self.unused.len() <= number {
            let name = format!("unused_{}", self.unused.len());
            let buffer = self.buffer(&name, vec![1]);
            self.unused.push(buffer);
        }
        self.unused[number]
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
                let to = if last { gradient } else { self.buffer_like(&format!("{name}.sum_{place}"), gradient) };
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

    /// Makes room for a layer's variables, each with what changes it in what the layer's passes leave.
    pub fn variables(&mut self, layer: &str, variables: &[VariableSpec], changes: &[Change]) -> Storage {
        self.arenas.add(&mut self.buffers, layer, variables, changes, self.micro_batches)
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
        self.push_forward([true, true], layer, kernel, buffers, offsets);
    }

    /// A forward pass that evaluation leaves out.
    pub fn forward_in_training(
        &mut self,
        layer: &str,
        kernel: impl Kernel + 'static,
        buffers: &[BufferId],
        offsets: Vec<usize>,
    ) {
        self.push_forward([true, false], layer, kernel, buffers, offsets);
    }

    /// A forward pass that training leaves out.
    pub fn forward_in_evaluation(
        &mut self,
        layer: &str,
        kernel: impl Kernel + 'static,
        buffers: &[BufferId],
        offsets: Vec<usize>,
    ) {
        self.push_forward([false, true], layer, kernel, buffers, offsets);
    }

    fn push_forward(
        &mut self,
        [in_training, in_evaluation]: [bool; 2],
        layer: &str,
        kernel: impl Kernel + 'static,
        buffers: &[BufferId],
        offsets: Vec<usize>,
    ) {
        let pass = Pass { offsets, ..pass(layer, kernel, buffers) };
        self.recorded.forward.push(ForwardPass { pass, in_training, in_evaluation });
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
