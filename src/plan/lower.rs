//! Lowering: from a model to the buffers and passes that train and evaluate it.

use std::sync::Arc;

use super::arenas::{Arenas, Storage};
use super::stages::{Stage, Value, stages};
use super::{Buffer, BufferId, HostBuffers, Pass, Plan, words};
use crate::error::{Error, Result};
use crate::kernels::{
    Advance, ConvForward, ConvInputGradient, ConvWeightGradient, Convolution, Cut, Fold, Gather, Kernel, PoolBackward,
    PoolForward, Progress, SoftmaxCrossEntropy, Tiling,
};
use crate::model::{Model, resolve};
use crate::optimizers::Optimizer;

/// What a plan depends on beside the model.
#[derive(Clone, Debug)]
pub struct Options {
    pub batch: usize,
    /// Rows of a micro-batch, which goes through the network at a time; all of a step's add to the same gradient. The
    /// buffers between layers need not grow with the batch.
    pub micro_batch: usize,
    pub tiles: Tiling,
    /// Samples that the image and label buffers hold.
    pub samples: usize,
    pub optimizer: Optimizer,
}

impl Options {
    /// With the micro-batches that suit the adapter that the tiles are of, and Adam.
    pub fn new(batch: usize, tiles: impl Into<Tiling>, samples: usize) -> Self {
        let tiles = tiles.into();
        Self {
            batch,
            micro_batch: equal_parts(batch, tiles.table.micro_batch()),
            tiles,
            samples,
            optimizer: Optimizer::default(),
        }
    }
}

/// Rows of the fewest equal parts of a batch that have at most `most` rows each; the last one may have fewer.
pub fn equal_parts(batch: usize, most: usize) -> usize {
    batch.div_ceil(batch.div_ceil(most.max(1)).max(1))
}

/// The largest batch: far beyond any device's memory, and far from where the arithmetic of a plan's sizes would wrap.
pub const LARGEST_BATCH: usize = 1 << 24;

/// The buffers of one value.
#[derive(Clone, Copy)]
struct ValueBuffers {
    output: BufferId,
    /// Unused (and one word long) where the value needs no gradient.
    gradient: BufferId,
}

/// The plan that trains and evaluates `model`.
///
/// # Errors
/// A model that cannot be resolved, a batch or micro-batch that cannot be, or a buffer beyond what a shader can
/// address.
pub fn lower(model: &Model, options: Options) -> Result<Plan> {
    let layers = resolve(model)?;
    let Options { batch, micro_batch, tiles, samples, optimizer } = options;
    if micro_batch == 0 || micro_batch > batch || batch > LARGEST_BATCH {
        return Err(Error::Usage(format!(
            "a batch of {batch} in micro-batches of {micro_batch}: give 1 to {LARGEST_BATCH}, no more to a micro-batch"
        )));
    }
    let micro_batches = batch.div_ceil(micro_batch);
    let (stages, values) = stages(&layers, micro_batch);
    let mut buffers = Buffers::default();
    let host = host_buffers(&mut buffers, model, [batch, micro_batch], samples, &optimizer);
    let pixels = layers[0].input.values();
    let input = buffers.add("input", vec![micro_batch, pixels]);
    let labels = buffers.add("batch.labels", vec![micro_batch]);
    let losses = buffers.add("losses", vec![micro_batch]);
    let hits = buffers.add("hits", vec![micro_batch]);
    let value_buffers = value_buffers(&mut buffers, &values, micro_batch, input, host.logits);

    let mut forward = Vec::new();
    let mut backward = Vec::new();
    let mut arenas = Arenas::default();
    for stage in &stages {
        backward.push(match stage {
            Stage::Convolution { layer, convolution, relu, input, output } => {
                let layer = &layers[*layer];
                tiles.check(convolution)?;
                let Cut { tile, slots } = tiles.forward(convolution);
                let kernel = ConvForward { convolution: *convolution, relu: *relu, tile, slots };
                let packed = kernel.packed();
                let argmax = buffers.add(&format!("{}.argmax", layer.name), vec![kernel.argmax_words()]);
                let (from, to) = (value_buffers[*input], value_buffers[*output]);
                let gradient_tile = tiles.weight_gradient(convolution);
                let gradient_slots = tiles.slots(convolution, &gradient_tile);
                let weight_gradient = ConvWeightGradient {
                    convolution: *convolution,
                    packed,
                    slots: gradient_slots,
                    tile: gradient_tile,
                };
                let Storage { values: (weights, first), gradient: (gradient, first_gradient) } =
                    arenas.add(&mut buffers, layer, weight_gradient.partitions(), micro_batches);
                if let Some(join) = kernel.join() {
                    let shape = vec![slots, join.rows, join.filters];
                    let sums = buffers.add(&format!("{}.sums", layer.name), shape);
                    let bound = [from.output, weights, sums, argmax];
                    forward.push(pass_from(&layer.name, kernel, &bound, vec![0, first, 0, 0]));
                    forward.push(pass_from(&layer.name, join, &[sums, weights, to.output], vec![0, first, 0]));
                } else {
                    let bound = [from.output, weights, to.output, argmax];
                    forward.push(pass_from(&layer.name, kernel, &bound, vec![0, first, 0, 0]));
                }
                let mut kernels = Vec::new();
                if values[*input].needs_gradient {
                    let gate = values[*input].gate;
                    let product = |convolution: Convolution, gate| ConvInputGradient {
                        convolution,
                        packed,
                        gate,
                        tile: tiles.input_gradient(&convolution),
                    };
                    let sources = [to.gradient, argmax, weights];
                    if tiles.folds(convolution) {
                        let group = Convolution { batch: Fold::group(convolution, packed), ..*convolution };
                        let patches = Fold::patches(&group);
                        let shape = vec![group.batch, patches.inputs() / group.batch];
                        let gradient = buffers.add(&format!("{}.patches.gradient", layer.name), shape);
                        let unused = buffers.add(&format!("{}.unused", layer.name), vec![1]);
                        let bound = [&sources[..], &[unused, gradient]].concat();
                        for number in 0..micro_batch / group.batch {
                            let outputs = number * group.positions() * group.filters;
                            let inputs = number * group.inputs();
                            let places = if group.pool > 1 { outputs / packed } else { 0 };
                            let offsets = vec![outputs, places, first, 0, 0];
                            kernels.push(pass_from(&layer.name, product(patches, None), &bound, offsets));
                            let fold = Fold { convolution: group, gate };
                            let bound = [gradient, from.output, from.gradient];
                            kernels.push(pass_from(&layer.name, fold, &bound, vec![0, inputs, inputs]));
                        }
                    } else {
                        let bound = [&sources[..], &[from.output, from.gradient]].concat();
                        let kernel = product(*convolution, gate);
                        kernels.push(pass_from(&layer.name, kernel, &bound, vec![0, 0, first, 0, 0]));
                    }
                }
                let bound = [from.output, to.gradient, argmax, gradient];
                let offsets = vec![0, 0, 0, first_gradient];
                kernels.push(pass_from(&layer.name, weight_gradient, &bound, offsets));
                kernels
            }
            Stage::Pool { window, input, output } => {
                let layer = values[*output].layer.clone();
                let (from, to) = (value_buffers[*input], value_buffers[*output]);
                let shape = vec![micro_batch, window.output[0], window.output[1], window.input[2]];
                let argmax = buffers.add(&format!("{layer}.argmax"), shape);
                let kernel = PoolForward { batch: micro_batch, window: *window };
                forward.push(pass(&layer, kernel, &[from.output, to.output, argmax]));
                let mut kernels = Vec::new();
                if values[*input].needs_gradient {
                    let kernel = PoolBackward { batch: micro_batch, window: *window, gate: values[*input].gate };
                    kernels.push(pass(&layer, kernel, &[to.gradient, argmax, from.output, from.gradient]));
                }
                kernels
            }
            Stage::Dropout { kernel, value, gated } => {
                let layer = format!("dropout_{}", kernel.layer);
                let buffers = value_buffers[*value];
                forward.push(pass(&layer, *kernel, &[host.progress, buffers.output]));
                let mut kernels = Vec::new();
                if values[*value].needs_gradient && !gated {
                    kernels.push(pass(&layer, *kernel, &[host.progress, buffers.gradient]));
                }
                kernels
            }
        });
    }

    let logits_gradient = value_buffers[values.len() - 1].gradient;
    // A program's runs are whole batches, or micro-batches where it does not train.
    let ends = |training: bool| {
        let classes = model.classes();
        let [batch, micro_batches] = if training { [batch, micro_batches] } else { [micro_batch, 1] };
        let gather = Gather { batch, micro_batch, pixels };
        let gathered = [host.images, host.labels, host.order, host.progress, input, labels];
        let loss = SoftmaxCrossEntropy { batch, micro_batch, classes, gradient: training };
        let result = if training { logits_gradient } else { host.probabilities };
        let judged = [host.logits, labels, host.progress, result, losses, hits];
        let advance = Advance { micro_batch, micro_batches, training };
        (
            pass("input", gather, &gathered),
            pass("loss", loss, &judged),
            pass("loss", advance, &[losses, hits, host.progress, host.log]),
        )
    };
    let (gather, loss, advance) = ends(false);
    let without_dropout = forward.iter().filter(|pass| pass.kernel.row().name != "dropout");
    let mut evaluation = vec![gather];
    evaluation.extend(without_dropout.cloned());
    evaluation.extend([loss, advance]);

    let (gather, loss, advance) = ends(true);
    let mut step = vec![gather];
    step.append(&mut forward);
    step.push(loss);
    step.extend(backward.into_iter().rev().flatten());
    let mut training = Vec::new();
    for number in 0..micro_batches {
        training.extend(step.iter().map(|pass| of_micro_batch(pass, &arenas, number)));
        training.push(advance.clone());
    }
    // Ahead of the last pass, which moves on to the next step.
    let (variables, updates) = arenas.finish(&mut buffers, &optimizer, &host, micro_batches);
    let last = training.len() - 1;
    training.splice(last..last, updates);

    let model = model.clone();
    let buffers = buffers.0;
    let plan =
        Plan { model, batch, micro_batch, tiles, samples, buffers, training, evaluation, optimizer, variables, host };
    plan.check()?;
    Ok(plan)
}

#[derive(Default)]
pub(super) struct Buffers(Vec<Buffer>);

impl Buffers {
    pub fn add(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        let words = words(&shape);
        self.0.push(Buffer { name: name.to_owned(), shape, words, initial: Vec::new() });
        BufferId(self.0.len() - 1)
    }

    /// With these words in it from the beginning.
    pub fn add_filled(&mut self, name: &str, initial: Vec<u32>) -> BufferId {
        let id = self.add(name, vec![initial.len()]);
        self.0[id.0].initial = initial;
        id
    }

    /// Names a buffer, and says how large it is, once that is known.
    pub fn define(&mut self, id: BufferId, name: &str, shape: Vec<usize>) {
        let words = words(&shape);
        self.0[id.0] = Buffer { name: name.to_owned(), shape, words, initial: Vec::new() };
    }

    /// Bytes, four a word.
    fn add_bytes(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        let id = self.add(name, shape);
        let buffer = &mut self.0[id.0];
        buffer.words = buffer.words.div_ceil(4);
        id
    }
}

/// The pass as a micro-batch runs it: gradients go behind those of the micro-batches before.
fn of_micro_batch(pass: &Pass, arenas: &Arenas, number: usize) -> Pass {
    let mut pass = pass.clone();
    for (id, offset) in pass.buffers.iter().zip(&mut pass.offsets) {
        *offset += number * arenas.stride(*id).unwrap_or(0);
    }
    pass
}

fn host_buffers(
    buffers: &mut Buffers,
    model: &Model,
    [batch, micro_batch]: [usize; 2],
    samples: usize,
    optimizer: &Optimizer,
) -> HostBuffers {
    let pixels = model.input.iter().product();
    let numbers = optimizer.rule().step(1.0, 1).len();
    HostBuffers {
        images: buffers.add_bytes("images", vec![samples, pixels]),
        labels: buffers.add_bytes("labels", vec![samples]),
        order: buffers.add("order", vec![Plan::BATCHES, batch]),
        rates: buffers.add("rates", vec![Plan::BATCHES, numbers]),
        progress: buffers.add("progress", vec![Progress::WORDS]),
        log: buffers.add("log", vec![Plan::BATCHES, 2]),
        logits: buffers.add("logits", vec![micro_batch, model.classes()]),
        probabilities: buffers.add("probabilities", vec![micro_batch, model.classes()]),
    }
}

/// Value 0 is the input, the last one the logits.
fn value_buffers(
    buffers: &mut Buffers,
    values: &[Value],
    micro_batch: usize,
    input: BufferId,
    logits: BufferId,
) -> Vec<ValueBuffers> {
    let last = values.len() - 1;
    let make = |(number, value): (usize, &Value)| {
        let shape = vec![micro_batch, value.shape.values()];
        let output = match number {
            0 => input,
            number if number == last => logits,
            _ => buffers.add(&format!("{}.output", value.layer), shape.clone()),
        };
        let shape = if value.needs_gradient { shape } else { vec![1] };
        ValueBuffers { output, gradient: buffers.add(&format!("{}.output.gradient", value.layer), shape) }
    };
    values.iter().enumerate().map(make).collect()
}

fn pass(layer: &str, kernel: impl Kernel + 'static, buffers: &[BufferId]) -> Pass {
    pass_from(layer, kernel, buffers, vec![0; buffers.len()])
}

fn pass_from(layer: &str, kernel: impl Kernel + 'static, buffers: &[BufferId], offsets: Vec<usize>) -> Pass {
    Pass { layer: layer.to_owned(), kernel: Arc::new(kernel), buffers: buffers.to_vec(), offsets }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tiles;
    use crate::model::{Activation, Layer};
    use crate::plan::Program;

    /// Dropout of the input, of a ReLU's value, and of one without a ReLU.
    fn plan() -> Plan {
        let dense = |units, activation| Layer::Dense { units, activation };
        let layers = vec![
            Layer::Dropout { rate: 0.25 },
            Layer::Flatten {},
            dense(5, Activation::Relu),
            Layer::Dropout { rate: 0.5 },
            dense(4, Activation::Linear),
            Layer::Dropout { rate: 0.5 },
            Layer::Dropout { rate: 0.75 },
            dense(3, Activation::Linear),
        ];
        let model = Model { name: "dropouts".into(), input: [3, 3, 1], layers };
        lower(&model, Options::new(2, Tiles::Cpu, 2)).unwrap()
    }

    /// Each pass's kernel and the last of its buffers.
    fn passes(plan: &Plan, program: Program) -> Vec<String> {
        let say =
            |pass: &Pass| format!("{} {}", pass.kernel.row().name, plan.buffer(*pass.buffers.last().unwrap()).name);
        plan.passes(program).iter().map(say).collect()
    }

    /// Backwards, a gate stands for its dropouts; without one each runs again, the last one first. Nothing is made for
    /// the input.
    #[test]
    fn a_training_step_drops_gradients_as_it_dropped_values() {
        let states = Optimizer::default().rule().states();
        let update = format!("adam weights.{}", states[states.len() - 1].name);
        let expected = [
            "gather batch.labels",
            "dropout input",
            "conv_forward dense.argmax",
            "dropout dense.output",
            "conv_forward dense_1.argmax",
            "dropout dense_1.output",
            "dropout dense_1.output",
            "conv_forward dense_2.argmax",
            "softmax_cross_entropy hits",
            "conv_input_gradient dense_1.output.gradient",
            "conv_weight_gradient weights.gradient",
            "dropout dense_1.output.gradient",
            "dropout dense_1.output.gradient",
            "conv_input_gradient dense.output.gradient",
            "conv_weight_gradient weights.gradient",
            "conv_weight_gradient weights.gradient",
            &update,
            "advance log",
        ];
        let plan = plan();
        assert_eq!(passes(&plan, Program::Training), expected);
        let layers: Vec<&str> = plan.training.iter().map(|pass| pass.layer.as_str()).collect();
        assert_eq!(layers[11..13], ["dropout_3", "dropout_2"]);
    }

    #[test]
    fn a_batch_is_cut_into_the_fewest_equal_parts() {
        let parts = [(600, 512), (512, 512), (4096, 512), (513, 512), (1000, 300), (5, 10), (1, 1), (7, 0)];
        assert_eq!(parts.map(|(batch, most)| equal_parts(batch, most)), [300, 512, 512, 257, 250, 5, 1, 1]);
    }

    #[test]
    fn evaluation_drops_nothing() {
        let expected = [
            "gather batch.labels",
            "conv_forward dense.argmax",
            "conv_forward dense_1.argmax",
            "conv_forward dense_2.argmax",
            "softmax_cross_entropy hits",
            "advance log",
        ];
        assert_eq!(passes(&plan(), Program::Evaluation), expected);
    }
}
