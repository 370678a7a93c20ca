//! Lowering: from a model to the buffers and passes that train and evaluate it.

use std::sync::Arc;

use super::stages::{Stage, Value, stages};
use super::{Buffer, BufferId, HostBuffers, Parameter, Pass, Plan, words};
use crate::error::{Error, Result};
use crate::gemm::{Convolution, GemmKind, GemmSelection};
use crate::kernels::{
    Adam, Advance, Col2im, ConvForward, ConvInputGradient, ConvWeightGradient, Gather, Kernel, PoolBackward,
    PoolForward, Progress, SoftmaxCrossEntropy,
};
use crate::model::{Model, Resolved, resolve};

/// What a plan depends on beside the model.
#[derive(Clone, Debug)]
pub struct Options {
    pub batch: usize,
    /// Rows of a batch that go through the network at a time, each portion adding to the gradient of the same step: the
    /// buffers between layers need not grow with the batch.
    pub portion: usize,
    pub tiles: GemmSelection,
    /// Samples that the image and label buffers hold.
    pub samples: usize,
}

impl Options {
    /// With the portion that suits the adapter that the tiles are of.
    pub fn new(batch: usize, tiles: impl Into<GemmSelection>, samples: usize) -> Self {
        let tiles = tiles.into();
        Self { batch, portion: tiles.portion(batch), tiles, samples }
    }
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
/// A model that cannot be resolved, a batch or portion that cannot be, or a buffer beyond what a shader can address.
pub fn lower(model: &Model, options: Options) -> Result<Plan> {
    let layers = resolve(model)?;
    let Options { batch, portion, tiles, samples } = options;
    if portion == 0 || portion > batch || batch > LARGEST_BATCH {
        return Err(Error::Usage(format!(
            "a batch of {batch} in portions of {portion}: give 1 to {LARGEST_BATCH}, and no more to a portion"
        )));
    }
    let portions = batch.div_ceil(portion);
    let (stages, values) = stages(&layers, portion);
    let mut buffers = Buffers::default();
    let host = host_buffers(&mut buffers, model, [batch, portion], samples);
    let pixels = layers[0].input.values();
    let input = buffers.add("input", vec![portion, pixels]);
    let labels = buffers.add("batch.labels", vec![portion]);
    let losses = buffers.add("losses", vec![portion]);
    let hits = buffers.add("hits", vec![portion]);
    let value_buffers = value_buffers(&mut buffers, &values, portion, input, host.logits);

    let mut forward = Vec::new();
    let mut backward = Vec::new();
    let mut parameters = Vec::new();
    let mut updates = Vec::new();
    for stage in &stages {
        backward.push(match stage {
            Stage::Convolution { layer, convolution, relu, input, output } => {
                let layer = &layers[*layer];
                tiles.check(convolution)?;
                let config = tiles.config(GemmKind::Forward, convolution);
                let kernel = ConvForward { convolution: *convolution, relu: *relu, config };
                let positions_per_word = kernel.positions_per_word();
                let argmax = buffers.add(&format!("{}.argmax", layer.name), vec![kernel.argmax_words()]);
                let (from, to) = (value_buffers[*input], value_buffers[*output]);
                let gradient_config = tiles.config(GemmKind::WeightGradient, convolution);
                let parameter = parameter(&mut buffers, layer, gradient_config.partitions, portions);
                if let Some(reduction) = kernel.reduction() {
                    let shape = vec![reduction.partitions, reduction.rows, reduction.filters];
                    let sums = buffers.add(&format!("{}.sums", layer.name), shape);
                    forward.push(pass(&layer.name, kernel, &[from.output, parameter.weights, sums, argmax]));
                    forward.push(pass(&layer.name, reduction, &[sums, parameter.weights, to.output]));
                } else {
                    forward.push(pass(&layer.name, kernel, &[from.output, parameter.weights, to.output, argmax]));
                }
                let mut kernels = Vec::new();
                if values[*input].needs_gradient {
                    let gate = values[*input].gate;
                    let product = |convolution: Convolution, relu_mask| ConvInputGradient {
                        convolution,
                        positions_per_word,
                        relu_mask,
                        config: tiles.config(GemmKind::InputGradient, &convolution),
                    };
                    let sources = [to.gradient, argmax, parameter.weights];
                    if tiles.uses_col2im(convolution) {
                        let group =
                            Convolution { batch: Col2im::group(convolution, positions_per_word), ..*convolution };
                        let patches = group.patches();
                        let shape = vec![group.batch, patches.inputs() / group.batch];
                        let gradient = buffers.add(&format!("{}.patches.gradient", layer.name), shape);
                        let unused = buffers.add(&format!("{}.unused", layer.name), vec![1]);
                        let bound = [&sources[..], &[unused, gradient]].concat();
                        for number in 0..portion / group.batch {
                            let outputs = number * group.positions() * group.filters;
                            let inputs = number * group.inputs();
                            let argmax_words = if group.pool > 1 { outputs / positions_per_word } else { 0 };
                            let offsets = vec![outputs, argmax_words, 0, 0, 0];
                            kernels.push(pass_from(&layer.name, product(patches, None), &bound, offsets));
                            let col2im = Col2im { convolution: group, relu_mask: gate };
                            let bound = [gradient, from.output, from.gradient];
                            kernels.push(pass_from(&layer.name, col2im, &bound, vec![0, inputs, inputs]));
                        }
                    } else {
                        let bound = [&sources[..], &[from.output, from.gradient]].concat();
                        kernels.push(pass(&layer.name, product(*convolution, gate), &bound));
                    }
                }
                let kernel =
                    ConvWeightGradient { convolution: *convolution, positions_per_word, config: gradient_config };
                kernels.push(pass(&layer.name, kernel, &[from.output, to.gradient, argmax, parameter.gradient]));
                let Parameter { gradient, adam, weights, first_moment, second_moment, .. } = parameter;
                let bound = [gradient, host.rates, host.progress, weights, first_moment, second_moment];
                updates.push(pass(&layer.name, adam, &bound));
                parameters.push(parameter);
                kernels
            }
            Stage::Pool { window, input, output } => {
                let layer = values[*output].layer.clone();
                let (from, to) = (value_buffers[*input], value_buffers[*output]);
                let shape = vec![portion, window.output[0], window.output[1], window.input[2]];
                let argmax = buffers.add(&format!("{layer}.argmax"), shape);
                let kernel = PoolForward { batch: portion, window: *window };
                forward.push(pass(&layer, kernel, &[from.output, to.output, argmax]));
                let mut kernels = Vec::new();
                if values[*input].needs_gradient {
                    let kernel = PoolBackward { batch: portion, window: *window, relu_mask: values[*input].gate };
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
    // A program's runs are whole batches, or portions where it does not train.
    let ends = |training: bool| {
        let classes = model.classes();
        let [batch, portions] = if training { [batch, portions] } else { [portion, 1] };
        let gather = Gather { batch, portion, pixels };
        let gathered = [host.images, host.labels, host.order, host.progress, input, labels];
        let loss = SoftmaxCrossEntropy { batch, portion, classes, gradient: training };
        let result = if training { logits_gradient } else { host.probabilities };
        let judged = [host.logits, labels, host.progress, result, losses, hits];
        let advance = Advance { portion, portions, training };
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
    for portion in 0..portions {
        training.extend(step.iter().map(|pass| of_portion(pass, &parameters, portion)));
        if portion + 1 == portions {
            training.append(&mut updates);
        }
        training.push(advance.clone());
    }

    let model = model.clone();
    let plan =
        Plan { model, batch, portion, tiles, samples, buffers: buffers.0, training, evaluation, parameters, host };
    plan.check()?;
    Ok(plan)
}

#[derive(Default)]
struct Buffers(Vec<Buffer>);

impl Buffers {
    fn add(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        let words = words(&shape);
        self.0.push(Buffer { name: name.to_owned(), shape, words });
        BufferId(self.0.len() - 1)
    }

    /// Bytes, four a word.
    fn add_bytes(&mut self, name: &str, shape: Vec<usize>) -> BufferId {
        let id = self.add(name, shape);
        let buffer = &mut self.0[id.0];
        buffer.words = buffer.words.div_ceil(4);
        id
    }
}

/// The pass as a portion of the batch runs it: gradients go behind those of the portions before.
fn of_portion(pass: &Pass, parameters: &[Parameter], portion: usize) -> Pass {
    let mut pass = pass.clone();
    for (id, offset) in pass.buffers.iter().zip(&mut pass.offsets) {
        if let Some(parameter) = parameters.iter().find(|parameter| parameter.gradient == *id) {
            *offset = portion * parameter.adam.portion_stride();
        }
    }
    pass
}

fn host_buffers(buffers: &mut Buffers, model: &Model, [batch, portion]: [usize; 2], samples: usize) -> HostBuffers {
    let pixels = model.input.iter().product();
    HostBuffers {
        images: buffers.add_bytes("images", vec![samples, pixels]),
        labels: buffers.add_bytes("labels", vec![samples]),
        order: buffers.add("order", vec![Plan::BATCHES, batch]),
        rates: buffers.add("rates", vec![Plan::BATCHES]),
        progress: buffers.add("progress", vec![Progress::WORDS]),
        log: buffers.add("log", vec![Plan::BATCHES, 2]),
        logits: buffers.add("logits", vec![portion, model.classes()]),
        probabilities: buffers.add("probabilities", vec![portion, model.classes()]),
    }
}

/// Value 0 is the input, the last one the logits.
fn value_buffers(
    buffers: &mut Buffers,
    values: &[Value],
    portion: usize,
    input: BufferId,
    logits: BufferId,
) -> Vec<ValueBuffers> {
    let last = values.len() - 1;
    let make = |(number, value): (usize, &Value)| {
        let shape = vec![portion, value.shape.values()];
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

fn parameter(buffers: &mut Buffers, layer: &Resolved, slots: usize, portions: usize) -> Parameter {
    let shape = layer.weights.clone().expect("only layers with weights become convolutions");
    let matrix = vec![shape.rows + 1, shape.columns];
    let adam = Adam { values: shape.values(), slots, portions };
    let gradient = match portions {
        1 => vec![slots, shape.rows + 1, shape.columns],
        _ => vec![portions, adam.portion_stride()],
    };
    let mut add = |what: &str, shape: &[usize]| buffers.add(&format!("{}.{what}", layer.name), shape.to_vec());
    Parameter {
        layer: layer.name.clone(),
        weights: add("weights", &matrix),
        gradient: add("weights.gradient", &gradient),
        adam,
        first_moment: add("weights.first_moment", &matrix),
        second_moment: add("weights.second_moment", &matrix),
        shape,
    }
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
    use crate::gemm::DeviceClass;
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
        lower(&model, Options::new(2, DeviceClass::Cpu, 2)).unwrap()
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
            "conv_weight_gradient dense_2.weights.gradient",
            "dropout dense_1.output.gradient",
            "dropout dense_1.output.gradient",
            "conv_input_gradient dense.output.gradient",
            "conv_weight_gradient dense_1.weights.gradient",
            "conv_weight_gradient dense.weights.gradient",
            "adam dense.weights.second_moment",
            "adam dense_1.weights.second_moment",
            "adam dense_2.weights.second_moment",
            "advance log",
        ];
        let plan = plan();
        assert_eq!(passes(&plan, Program::Training), expected);
        let layers: Vec<&str> = plan.training.iter().map(|pass| pass.layer.as_str()).collect();
        assert_eq!(layers[11..13], ["dropout_3", "dropout_2"]);
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
