//! Lowering: from a model to the buffers and passes that train and evaluate it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::averages::evaluate_averages;
use super::ends::Ends;
use super::graph::{Graph, Stage};
use super::rewrites::rewrite;
use super::training_plan::TrainingPlan;
use crate::augment::{Augmentation, Transform};
use crate::error::{Error, Result};
use crate::gemm::{DeviceClass, GemmSelection};
use crate::kernels::{GradientOrder, LossScale, Progress};
use crate::layers::Place;
use crate::model::{Model, resolve};
use crate::optimizers::Optimizer;
use crate::parallel::Share;
use crate::plan::{
    Arenas, BufferId, Buffers, Division, Exchange, Finished, ForwardPass, HostBuffers, Pass, Plan, Program, Recorded,
    Tape, ValueId, store,
};
use crate::precision::Precision;
use crate::recipe::Loss;

/// What a plan depends on beside the model.
#[derive(Clone, Debug)]
pub struct Options {
    pub batch: usize,
    /// Rows of a micro-batch, which goes through the network at a time; all of a step's add to the same gradient. The
    /// buffers between layers need not grow with the batch.
    pub micro_batch: usize,
    /// In which order these are added up.
    pub gradient_order: GradientOrder,
    /// What this process does of each step, where others do the rest; the order must be a tree then.
    pub share: Option<Share>,
    pub tiles: GemmSelection,
    /// Samples that the image and label buffers hold.
    pub samples: usize,
    /// Whether images are numbers, which a network sees as they are, and no bytes.
    pub float_images: bool,
    pub optimizer: Optimizer,
    /// Whether evaluation takes the weights' moving averages, which the optimizer must keep then.
    pub average: bool,
    /// Of training samples; evaluation sees them as they are.
    pub augmentation: Augmentation,
    /// Whether evaluation is told how to see each sample: see [`Engine::predict_as`](crate::train::Engine::predict_as).
    pub views: bool,
    /// Of activations and their gradients; everything else is f32.
    pub precision: Precision,
    /// The part of each target that all classes share, from 0 to below 1. The loss of evaluation has it, too.
    pub label_smoothing: f32,
}

impl Options {
    /// With the micro-batches that suit the adapter that the tiles are of, and Adam; see [`Self::for_model`].
    pub fn new(batch: usize, tiles: impl Into<GemmSelection>, samples: usize) -> Self {
        let tiles = tiles.into();
        Self {
            batch,
            micro_batch: equal_parts(batch, tiles.profile().micro_batch),
            gradient_order: GradientOrder::Tree,
            share: None,
            tiles,
            samples,
            float_images: false,
            optimizer: Optimizer::default(),
            average: false,
            augmentation: Augmentation::default(),
            views: false,
            precision: Precision::F32,
            label_smoothing: 0.0,
        }
    }

    /// With the micro-batches that suit the model, too.
    pub fn for_model(model: &Model, batch: usize, tiles: impl Into<GemmSelection>, samples: usize) -> Self {
        let options = Self::new(batch, tiles, samples);
        Self { micro_batch: equal_parts(batch, most_rows(model, options.tiles.device)), ..options }
    }
}

/// Statistics of a batch are of as many rows at most unless a run says otherwise, on every device.
const MOST_ROWS_OF_STATISTICS: usize = 512;

/// The most rows of a micro-batch where a run does not say: what suits the class of device.
pub fn most_rows(model: &Model, class: DeviceClass) -> usize {
    let most = class.profile().micro_batch;
    if model.has_batch_statistics() { most.min(MOST_ROWS_OF_STATISTICS) } else { most }
}

/// Rows of the fewest equal parts of a batch that have at most `most` rows each; the last one may have fewer.
pub fn equal_parts(batch: usize, most: usize) -> usize {
    batch.div_ceil(batch.div_ceil(most.max(1)).max(1))
}

/// The largest batch: far beyond any device's memory, and far from where the arithmetic of a plan's sizes would wrap.
pub const LARGEST_BATCH: usize = 1 << 24;

/// The plan that trains and evaluates `model`.
///
/// # Errors
/// A model that cannot be resolved, a batch or micro-batch that cannot be, an optimizer with a value that it cannot have,
/// or a buffer beyond what a shader can address.
pub fn lower(model: &Model, options: Options) -> Result<TrainingPlan> {
    let mut graph = Graph::of(&resolve(model)?);
    graph.signed_pixels = options.float_images;
    rewrite(&mut graph);
    lower_graph(&graph, model, options)
}

/// The plan of a graph that the model was made into.
pub(super) fn lower_graph(graph: &Graph, model: &Model, options: Options) -> Result<TrainingPlan> {
    let Options { batch, micro_batch, float_images, average, augmentation, views, label_smoothing, .. } = options;
    check_options(&options, model.input)?;
    let micro_batches = batch.div_ceil(micro_batch);
    let division = Division { batch, micro_batch, order: options.gradient_order, share: options.share.clone() };
    check_share(&options, micro_batches)?;
    let mut buffers = Buffers::default();
    let classes = graph.shapes[graph.output.0].values();
    let host = host_buffers(&mut buffers, model.input, classes, &options);
    // Whoever adds up a tree needs all of its leaves.
    let log_rows = if options.gradient_order == GradientOrder::Tree { micro_batches } else { 1 };
    let log = buffers.add("log", vec![Plan::BATCHES, log_rows, 2]);
    let input = buffers.add("input", vec![micro_batch, graph.shapes[0].values()]);
    let labels = buffers.add("batch.labels", label_shape(&options));
    let losses = buffers.add("losses", vec![micro_batch]);
    let correct = buffers.add("correct", vec![micro_batch]);
    let mut tape = Tape::new([batch, micro_batch], &options.tiles, options.precision, host, buffers);
    let logits_gradient = record(graph, input, &mut tape)?;
    let (mut buffers, arenas, Recorded { forward, backward }) = tape.end();

    let ends = Ends {
        batch,
        micro_batch,
        float_images,
        rescaling: graph.pixels,
        augmentation,
        views,
        label_smoothing,
        shape: model.input,
        classes,
        host,
        input,
        labels,
        losses,
        correct,
        log,
        log_rows,
    };
    let mut evaluation = evaluation(&ends, &forward);

    let [gather, loss, advance] = ends.passes(Program::Training, logits_gradient);
    let forward = forward.into_iter().filter(|forward| forward.in_training).map(|forward| forward.pass).collect();
    let loss = [vec![loss], ends.scaled(logits_gradient)].concat();
    let step = [vec![gather], forward, loss, backward].concat();
    let mut training = Vec::new();
    for number in 0..division.own().len() {
        training.extend(step.iter().map(|pass| of_micro_batch(pass, &arenas, number)));
        training.push(advance.clone());
    }
    // The last pass moves on to the next step. While the first sums travel, the rest of the last micro-batch is to be run.
    let end = training.pop();
    let cut = options.share.as_ref().and_then(|_| arenas.cut(&step, worthless(options.tiles.device)));
    let mut rest = cut.map_or(Vec::new(), |cut| training.split_off(training.len() - step.len() + cut.passes));
    let read_ahead = options.tiles.profile().read_ahead;
    let Finished { mut variables, rounds, mut moving, updates } =
        arenas.finish(&mut buffers, &options.optimizer, &host, &division, read_ahead, cut);
    if average {
        evaluate_averages(&mut variables, &mut evaluation, &mut moving);
    }
    let (mut exchange, mut joining, mut update) = (None, Vec::new(), Vec::new());
    match options.share {
        None => training.extend(moving.into_iter().chain(updates)),
        Some(share) => {
            let mut parts = Vec::new();
            let programs = [(Program::Training, &mut training), (Program::Rest, &mut rest)];
            for ((program, passes), summed) in programs.into_iter().zip(rounds) {
                passes.extend(summed.passes);
                parts.push((program, summed.parts));
            }
            let (made, join) = Exchange::new(share, parts, &mut buffers);
            (exchange, joining) = (Some(made), join);
            update = [moving, updates].concat();
        }
    }
    if rest.is_empty() { &mut training } else { &mut rest }.extend(end);

    for program in [&mut training, &mut rest, &mut evaluation] {
        store(program, &buffers.0, options.precision)?;
    }
    let steps = Plan { buffers: buffers.0, training, rest, evaluation, joining, update, log, training_rows: log_rows };
    steps.check()?;
    let Options { tiles, samples, optimizer, precision, .. } = options;
    Ok(TrainingPlan {
        steps: Arc::new(steps),
        model: model.clone(),
        batch,
        micro_batch,
        tiles,
        samples,
        float_images,
        optimizer,
        precision,
        augmentation,
        views,
        label_smoothing,
        variables,
        host,
        exchange,
    })
}

/// The passes that evaluate a micro-batch.
fn evaluation(ends: &Ends, forward: &[ForwardPass]) -> Vec<Pass> {
    let [gather, loss, advance] = ends.passes(Program::Evaluation, ends.host.probabilities);
    let forward = forward.iter().filter(|forward| forward.in_evaluation).map(|forward| forward.pass.clone());
    [vec![gather], forward.collect(), vec![loss, advance]].concat()
}

/// Refuses options that no plan can have.
fn check_options(options: &Options, input: [usize; 3]) -> Result<()> {
    let Options { batch, micro_batch, average, augmentation, label_smoothing, .. } = *options;
    if micro_batch == 0 || micro_batch > batch || batch > LARGEST_BATCH {
        return Err(Error::Usage(format!(
            "a batch of {batch} in micro-batches of {micro_batch}: give 1 to {LARGEST_BATCH}, no more to a micro-batch"
        )));
    }
    let refuse = |section: &str, problem: String| Error::Usage(format!("[{section}]: {problem}"));
    options.optimizer.check().map_err(|problem| refuse("optimizer", problem))?;
    if average && !options.optimizer.averages() {
        return Err(Error::Usage("`average`: the optimizer keeps none; give it an ema_momentum such as 0.99".into()));
    }
    augmentation.check(input).map_err(|problem| refuse("augmentation", problem))?;
    Loss { label_smoothing: label_smoothing.into() }.check().map_err(|problem| refuse("loss", problem))
}

/// Operations that are not worth interrupting a device for, so that they run while gradients travel: a GPU does so many in
/// the time that it waits for the host then.
fn worthless(class: DeviceClass) -> usize {
    match class {
        DeviceClass::Gpu => 1 << 28,
        DeviceClass::Software | DeviceClass::OldSoftware | DeviceClass::SwiftShader | DeviceClass::Cpu => 0,
    }
}

/// Refuses a share of other steps.
fn check_share(options: &Options, micro_batches: usize) -> Result<()> {
    let is_of_tree = options.gradient_order == GradientOrder::Tree;
    match &options.share {
        Some(share) if !is_of_tree || share.ranges.last().map(|last| last.end) != Some(micro_batches) => {
            Err(Error::Failed(format!("a share of a step of {micro_batches} micro-batches that are a tree is none")))
        }
        _ => Ok(()),
    }
}

/// Adds the passes of all stages, forward and backward; the buffer of the logits' gradient, which the loss makes.
fn record(graph: &Graph, input: BufferId, tape: &mut Tape) -> Result<BufferId> {
    // Rewrites leave gaps among the graph's values.
    let mut values: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    let (_, readers) = graph.makers_and_readers();
    values.insert(ValueId(0), tape.value("input", graph.shapes[0].values(), readers[0], false, Some(input)));
    for stage in &graph.stages {
        if values.contains_key(&stage.output) {
            continue;
        }
        let is_trained = stage.trainable && !stage.inferred.variables.is_empty();
        let needs_gradient = is_trained || stage.inputs.iter().any(|input| tape.needs_gradient(values[input]));
        let output = (stage.output == graph.output).then_some(tape.host.logits);
        let count = graph.shapes[stage.output.0].values();
        values.insert(stage.output, tape.value(&stage.name, count, readers[stage.output.0], needs_gradient, output));
    }
    let mut backward = Vec::new();
    for Stage { name, layer, inferred, trainable, inputs, output, fused } in &graph.stages {
        let inputs: Vec<ValueId> = inputs.iter().map(|input| values[input]).collect();
        let (output, trainable, fused) = (values[output], *trainable, *fused);
        let place = Place { name, inputs: &inputs, output, inferred, trainable, fused };
        let emit = layer.operation().emit(&place, tape)?;
        // Below the first layer that is trained nothing has a gradient.
        backward.extend(tape.needs_gradient(output).then_some(emit));
    }
    let logits = values[&graph.output];
    let Some(mut gradient) = tape.gradient(logits) else {
        if graph.stages.iter().all(|stage| stage.inferred.variables.is_empty()) {
            return Err(Error::Usage("no layer has weights; add one that has, such as 'dense'".into()));
        }
        // The loss makes one all the same.
        let shape = vec![tape.rows, tape.values(logits) / tape.rows];
        return Ok(tape.buffer("loss.gradient", shape));
    };
    // Who makes a gradient applies the ReLU mask, and the loss does not.
    if tape.relu_mask(logits).is_some() {
        let shape = vec![tape.rows, tape.values(logits) / tape.rows];
        let unmasked = tape.buffer("loss.gradient", shape);
        tape.copy_gradient("loss", unmasked, logits, gradient);
        gradient = unmasked;
    }
    for emit in backward.into_iter().rev() {
        emit(tape)?;
        tape.add_up_gradients();
    }
    Ok(gradient)
}

/// The pass as a micro-batch runs it: gradients go behind those of the micro-batches before.
fn of_micro_batch(pass: &Pass, arenas: &Arenas, number: usize) -> Pass {
    let mut pass = pass.clone();
    for (id, offset) in pass.buffers.iter().zip(&mut pass.offsets) {
        *offset += number * arenas.stride(*id).unwrap_or(0);
    }
    pass
}

fn host_buffers(buffers: &mut Buffers, image: [usize; 3], classes: usize, options: &Options) -> HostBuffers {
    let Options { batch, micro_batch, samples, float_images, optimizer, augmentation, views, precision, .. } = options;
    let pixels = image.iter().product();
    let scales = *precision == Precision::F16;
    let numbers = optimizer.numbers(scales).count;
    let order = Plan::BATCHES * batch;
    HostBuffers {
        images: match float_images {
            true => buffers.add("images", vec![*samples, pixels]),
            false => buffers.add_bytes("images", vec![*samples, pixels]),
        },
        labels: buffers.add_bytes("labels", vec![*samples]),
        order: buffers.add("order", vec![Plan::BATCHES, *batch]),
        rates: buffers.add("rates", vec![Plan::BATCHES, numbers]),
        progress: buffers.add("progress", vec![Progress::WORDS]),
        logits: buffers.add("logits", vec![*micro_batch, classes]),
        probabilities: buffers.add("probabilities", vec![*micro_batch, classes]),
        transforms: (*views || !augmentation.is_nothing())
            .then(|| buffers.add("transforms", vec![order, Transform::WORDS])),
        loss_scale: scales.then(|| buffers.add_filled("loss.scale", LossScale::FIRST.words())),
    }
}

/// A row's label, or with mixing its labels and the first one's share.
fn label_shape(options: &Options) -> Vec<usize> {
    let rows = vec![options.micro_batch];
    if options.augmentation.mixes() { [rows, vec![3]].concat() } else { rows }
}
