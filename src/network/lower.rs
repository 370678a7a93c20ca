//! Lowering: from a model to the buffers and passes that train and evaluate it.

use std::collections::BTreeMap;

use super::graph::{Graph, Stage};
use super::rewrites::rewrite;
use crate::error::{Error, Result};
use crate::kernels::{Advance, Gather, Progress, SoftmaxCrossEntropy, Tiling};
use crate::layers::Place;
use crate::model::{Model, resolve};
use crate::plan::{BufferId, Buffers, HostBuffers, Parameter, Pass, Plan, Recorded, Tape, ValueId, pass};

/// What a plan depends on beside the model.
#[derive(Clone, Debug)]
pub struct Options {
    pub batch: usize,
    /// Rows of a batch that go through the network at a time, each portion adding to the gradient of the same step: the
    /// buffers between layers need not grow with the batch.
    pub portion: usize,
    pub tiles: Tiling,
    /// Samples that the image and label buffers hold.
    pub samples: usize,
}

impl Options {
    /// With the portion that suits the adapter that the tiles are of.
    pub fn new(batch: usize, tiles: impl Into<Tiling>, samples: usize) -> Self {
        let tiles = tiles.into();
        Self { batch, portion: tiles.portion(batch), tiles, samples }
    }
}

/// The largest batch: far beyond any device's memory, and far from where the arithmetic of a plan's sizes would wrap.
pub const LARGEST_BATCH: usize = 1 << 24;

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
    let mut graph = Graph::of(&layers);
    rewrite(&mut graph);

    let mut buffers = Buffers::default();
    let host = host_buffers(&mut buffers, model, [batch, portion], samples);
    let pixels = graph.shapes[0].values();
    let input = buffers.add("input", vec![portion, pixels]);
    let labels = buffers.add("batch.labels", vec![portion]);
    let losses = buffers.add("losses", vec![portion]);
    let correct = buffers.add("correct", vec![portion]);
    let mut tape = Tape::new(portion, portions, &tiles, host, buffers);
    let logits_gradient = record(&graph, input, &mut tape)?;
    let (buffers, parameters, Recorded { forward, training_only, backward }) = tape.end();

    // A program's runs are whole batches, or portions where it does not train.
    let ends = |training: bool| {
        let classes = model.classes();
        let [batch, portions] = if training { [batch, portions] } else { [portion, 1] };
        let gather = Gather { batch, portion, pixels };
        let gathered = [host.images, host.labels, host.order, host.progress, input, labels];
        let loss = SoftmaxCrossEntropy { batch, portion, classes, gradient: training };
        let result = if training { logits_gradient } else { host.probabilities };
        let judged = [host.logits, labels, host.progress, result, losses, correct];
        let advance = Advance { portion, portions, training };
        [
            pass("input", gather, &gathered),
            pass("loss", loss, &judged),
            pass("loss", advance, &[losses, correct, host.progress, host.log]),
        ]
    };
    let [gather, loss, advance] = ends(false);
    let in_evaluation = forward.iter().enumerate().filter(|(place, _)| !training_only.contains(place));
    let mut evaluation = vec![gather];
    evaluation.extend(in_evaluation.map(|(_, pass)| pass.clone()));
    evaluation.extend([loss, advance]);

    let [gather, loss, advance] = ends(true);
    let step = [vec![gather], forward, vec![loss], backward].concat();
    let mut training = Vec::new();
    for portion in 0..portions {
        training.extend(step.iter().map(|pass| of_portion(pass, &parameters, portion)));
        if portion + 1 == portions {
            training.extend(parameters.iter().map(|parameter| update(parameter, &host)));
        }
        training.push(advance.clone());
    }

    let model = model.clone();
    let plan = Plan { model, batch, portion, tiles, samples, buffers, training, evaluation, parameters, host };
    plan.check()?;
    Ok(plan)
}

/// Adds the passes of all stages, forward and backward; the buffer of the logits' gradient, which the loss makes.
fn record(graph: &Graph, input: BufferId, tape: &mut Tape) -> Result<BufferId> {
    // Rewrites leave gaps among the graph's values.
    let mut values: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    values.insert(ValueId(0), tape.value("input", graph.shapes[0].values(), false, Some(input)));
    for stage in &graph.stages {
        if values.contains_key(&stage.output) {
            continue;
        }
        let needs_gradient =
            stage.inferred.weights.is_some() || stage.inputs.iter().any(|input| tape.needs_gradient(values[input]));
        let output = (stage.output == graph.output).then_some(tape.host.logits);
        let count = graph.shapes[stage.output.0].values();
        values.insert(stage.output, tape.value(&stage.name, count, needs_gradient, output));
    }
    let mut backward = Vec::new();
    for Stage { name, layer, inferred, inputs, output, fused } in &graph.stages {
        let inputs: Vec<ValueId> = inputs.iter().map(|input| values[input]).collect();
        let place = Place { name, inputs: &inputs, output: values[output], inferred, fused: *fused };
        backward.push(layer.operation().emit(&place, tape)?);
    }
    let logits = values[&graph.output];
    let gradient = tape.gradient(logits)?.unwrap_or_else(|| tape.gradient_of(logits));
    for emit in backward.into_iter().rev() {
        emit(tape)?;
    }
    Ok(gradient)
}

fn update(parameter: &Parameter, host: &HostBuffers) -> Pass {
    let Parameter { layer, gradient, adam, weights, first_moment, second_moment, .. } = parameter;
    pass(layer, *adam, &[*gradient, host.rates, host.progress, *weights, *first_moment, *second_moment])
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
