//! The CPU references and the shaders against training runs of an outside oracle: `tests/golden/README.md` has how they were made.
//! `GPU_FMNIST_GOLDEN_DIR` names a folder with more of them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::{Gpu, adapters};
use gpu_fmnist::model::{Model, parse, resolve};
use gpu_fmnist::plan::{Executor, Place, Plan, Variable, VariableKind};
use gpu_fmnist::recipe::Recipe;
use gpu_fmnist::train::{Engine, Placement, Setup};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    name: String,
    model: GoldenModel,
    seed: u64,
    batch: usize,
    steps: usize,
    #[serde(alias = "adam")]
    lr: LearningRate,
    expect: Expect,
}

/// A model file as JSON.
#[derive(Deserialize)]
#[serde(try_from = "serde_json::Value")]
struct GoldenModel {
    model: Model,
    recipe: Recipe,
}

impl Golden {
    /// As many, where that changes nothing but the last bits.
    fn micro_batches(&self, count: usize) -> usize {
        if self.model.model.has_batch_statistics() { 1 } else { count }
    }
}

impl TryFrom<serde_json::Value> for GoldenModel {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let text = toml::to_string(&value).map_err(|error| error.to_string())?;
        let (model, recipe) = parse("golden", &text).map_err(|error| error.to_string())?;
        Ok(Self { model, recipe })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LearningRate {
    /// Of runs of chains.
    Named {
        lr: f64,
    },
    Alone(f64),
}

#[derive(Deserialize)]
struct Expect {
    parameters: Parameters,
    loss: Vec<f64>,
    correct: Vec<u64>,
    logits_of_first_image: Vec<f64>,
    gradients_at_step_1: BTreeMap<String, Tensor>,
    weights_at_end: BTreeMap<String, Tensor>,
    /// Of runs of graphs.
    #[serde(default)]
    averages_at_end: BTreeMap<String, Tensor>,
    #[serde(default)]
    evaluation_logits_at_end: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Parameters {
    All(usize),
    ByUse { trainable: usize, non_trainable: usize },
}

#[derive(Deserialize)]
struct Tensor {
    norm: f64,
    #[serde(default)]
    sum: Option<f64>,
    at: BTreeMap<usize, f64>,
}

/// The oracle's numbers in [0, 1): an integer hash of seed and index.
fn unit(seed: u64, index: u64) -> f64 {
    let mut x = (index + seed * 0x9E37_79B9) as u32;
    for (shift, factor) in [(16, 0x7FEB_352D), (15, 0x846C_A68B), (16, 1)] {
        x = (x ^ (x >> shift)).wrapping_mul(factor);
    }
    f64::from(x) / 4_294_967_296.0
}

fn samples(golden: &Golden) -> Samples {
    let pixels: usize = golden.model.model.input.iter().product();
    let count = golden.batch * golden.steps;
    let pixel = |index| match unit(golden.seed + 1, index) {
        dark if dark < 0.5 => 0,
        light => ((light - 0.5) * 512.0) as u8,
    };
    let label = |index| (unit(golden.seed + 2, index) * golden.model.model.classes() as f64) as u8;
    Samples {
        images: (0..(count * pixels) as u64).map(pixel).collect(),
        labels: (0..count as u64).map(label).collect(),
        shape: golden.model.model.input,
    }
}

/// The oracle's tensor number `number`.
fn weights(golden: &Golden, variable: &Variable, number: u64) -> Vec<f32> {
    let fan_in = || variable.shape[..variable.shape.len() - 1].iter().product::<usize>() as f64;
    let (middle, limit) = match variable.kind {
        VariableKind::Kernel => (0.0, (6.0 / fan_in()).sqrt()),
        VariableKind::Bias | VariableKind::Beta => (0.0, 0.05),
        VariableKind::Gamma => (1.0, 0.1),
        VariableKind::MovingMean => (0.0, 0.0),
        VariableKind::MovingVariance => (1.0, 0.0),
    };
    let value = |index| (middle + (2.0 * unit(golden.seed + 10 + number, index) - 1.0) * limit) as f32;
    (0..variable.values.words as u64).map(value).collect()
}

/// The oracle's names of the variables, and their values.
fn tensors(golden: &Golden, variables: &[Variable], values: &[Vec<f32>]) -> BTreeMap<String, Vec<f32>> {
    let layers = resolve(&golden.model.model).unwrap();
    let name = |variable: &Variable| {
        let index = layers.iter().position(|layer| layer.name == variable.layer).unwrap();
        format!("{index}.{}", variable.kind.name())
    };
    variables.iter().map(name).zip(values.iter().cloned()).collect()
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

/// Asserts what must hold, so that a NaN fails.
fn close(actual: f64, expected: f64, allowed: f64, what: &str) {
    let difference = (actual - expected).abs();
    assert!(actual.is_finite() && difference <= allowed, "{what}: {actual}, expected {expected}, {difference:e} apart");
}

/// How much of a gradient's length, over all values that are listed, rounding may take: what it takes of PyTorch's in f32.
/// There it takes up to 6.1e-7 of a graph's, whose statistics of a few samples make it larger.
const GRADIENT_ERRORS: [f64; 2] = [4e-7, 8e-7];

/// How a golden run is cut up; none of it may change more than the last bits.
#[derive(Clone, Copy, Debug)]
struct Cut {
    tiles: DeviceClass,
    placement: Placement,
    /// Of each batch.
    micro_batches: usize,
}

fn check(golden: &Golden, cut: Cut, make: &dyn Fn(Arc<Plan>) -> Box<dyn Executor>) {
    let what = format!("{} ({cut:?})", golden.name);
    let Cut { tiles, placement, micro_batches } = cut;
    let samples = samples(golden);
    let GoldenModel { model, recipe } = &golden.model;
    let mut setup = Setup::new(model, &samples, golden.batch, tiles).placed(placement);
    setup.options.micro_batch = golden.batch.div_ceil(micro_batches);
    setup.options.optimizer = recipe.optimizer.clone();
    setup.options.label_smoothing = recipe.loss.label_smoothing as f32;
    setup.options.average = recipe.optimizer.averages();
    let mut engine = setup.engine(|plan| Ok(make(plan))).unwrap();
    let variables = engine.plan().variables.clone();
    check_parameters(&golden.expect.parameters, &variables, &what);
    for (number, variable) in (0..).zip(&variables) {
        engine.put(variable.values, &weights(golden, variable, number)).unwrap();
    }
    let (LearningRate::Named { lr: learning_rate } | LearningRate::Alone(learning_rate)) = golden.lr;
    for step in 0..golden.steps {
        let order: Vec<u32> = (0..golden.batch).map(|row| (step * golden.batch + row) as u32).collect();
        let metrics = engine.train(&order, learning_rate, &mut |_| ControlFlow::Continue(())).unwrap();
        let expected = golden.expect.loss[step];
        close(metrics.loss(), expected, 1e-4 * expected, &format!("{what}: loss of step {}", step + 1));
        assert_eq!(metrics.correct, golden.expect.correct[step], "{what}: correct of step {}", step + 1);
        if step == 0 {
            check_first_step(golden, &what, &mut engine, &variables);
        }
    }
    let places: Vec<Place> = variables.iter().map(|variable| variable.values).collect();
    let ours = tensors(golden, &variables, &engine.get_all(&places).unwrap());
    check_end(&golden.expect.weights_at_end, &ours, &what);
    let averaged: Vec<Variable> = variables.iter().filter(|variable| variable.is_trainable()).cloned().collect();
    if !golden.expect.averages_at_end.is_empty() {
        // The last of the optimizer's states.
        let place = |variable: &Variable| *variable.training.as_ref().unwrap().states.last().unwrap();
        let places: Vec<Place> = averaged.iter().map(place).collect();
        let ours = tensors(golden, &averaged, &engine.get_all(&places).unwrap());
        check_end(&golden.expect.averages_at_end, &ours, &format!("{what}, averages"));
    }
    let order: Vec<u32> = (0..golden.expect.evaluation_logits_at_end.len() as u32).collect();
    let (_, logits) = engine.predict(&order).unwrap();
    for (class, (ours, expected)) in logits.iter().zip(golden.expect.evaluation_logits_at_end.concat()).enumerate() {
        close(f64::from(*ours), expected, 1e-4, &format!("{what}: logit {class} at the end"));
    }
}

fn check_parameters(expected: &Parameters, variables: &[Variable], what: &str) {
    let count = |trainable| {
        let counted = variables.iter().filter(|variable| variable.is_trainable() == trainable);
        counted.map(|variable| variable.values.words).sum::<usize>()
    };
    let expected = match *expected {
        Parameters::All(all) => (all, 0),
        Parameters::ByUse { trainable, non_trainable } => (trainable, non_trainable),
    };
    assert_eq!((count(true), count(false)), expected, "{what}: parameters");
}

/// Variables, or averages of them, after the last step.
fn check_end(expected: &BTreeMap<String, Tensor>, ours: &BTreeMap<String, Vec<f32>>, what: &str) {
    assert_eq!(expected.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "{what}");
    for (name, expected) in expected {
        let ours = &ours[name];
        close(norm(ours), expected.norm, 1e-5 * expected.norm, &format!("{what}: norm of {name}"));
        check_sum(expected, ours, &format!("{what}: sum of {name}"));
        let near = expected.at.iter().filter(|(at, value)| (f64::from(ours[**at]) - **value).abs() <= 1e-5).count();
        assert!(
            10 * near >= 9 * expected.at.len(),
            "{what}: {name}: only {near} of {} listed values",
            expected.at.len()
        );
    }
}

/// It may be of values that cancel.
fn check_sum(expected: &Tensor, ours: &[f32], what: &str) {
    if let Some(sum) = expected.sum {
        close(ours.iter().map(|&value| f64::from(value)).sum(), sum, 1e-4 * expected.norm, what);
    }
}

fn check_first_step(golden: &Golden, what: &str, engine: &mut Engine, variables: &[Variable]) {
    let logits = engine.read(engine.plan().host.logits).unwrap();
    // The first image's are still there if they are the last micro-batch's, too.
    let whole = engine.plan().micro_batch == golden.batch;
    for (class, expected) in golden.expect.logits_of_first_image.iter().enumerate().filter(|_| whole) {
        close(f64::from(logits[class]), *expected, 1e-4, &format!("{what}: logit {class}"));
    }
    let ours = tensors(golden, variables, &engine.gradients().unwrap());
    let trained = variables.iter().filter(|variable| variable.is_trainable()).count();
    assert_eq!(golden.expect.gradients_at_step_1.len(), trained, "{what}: gradients");
    let (mut error, mut length) = (0.0, 0.0);
    for (name, expected) in &golden.expect.gradients_at_step_1 {
        let largest = ours[name].iter().fold(0.0_f64, |largest, value| largest.max(f64::from(value.abs())));
        close(norm(&ours[name]), expected.norm, 1e-4 * expected.norm, &format!("{what}: norm of {name}'s gradient"));
        check_sum(expected, &ours[name], &format!("{what}: sum of {name}'s gradient"));
        for (at, value) in &expected.at {
            let actual = f64::from(ours[name][*at]);
            close(actual, *value, 1e-4 * largest, &format!("{what}: gradient of {name}[{at}]"));
            error += (actual - value).powi(2);
            length += value.powi(2);
        }
    }
    let off = f64::sqrt(error / length);
    let [of_chain, of_graph] = GRADIENT_ERRORS;
    let is_graph = matches!(golden.expect.parameters, Parameters::ByUse { .. });
    assert!(
        off <= if is_graph { of_graph } else { of_chain },
        "{what}: gradients are off by {off:.1e} of their length"
    );
}

fn goldens() -> Vec<Golden> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let folders = [Some(own), std::env::var_os("GPU_FMNIST_GOLDEN_DIR").map(PathBuf::from)];
    let mut goldens = Vec::new();
    for folder in folders.into_iter().flatten() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let name = path.display().to_string();
            let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).expect(&name);
            // Splits and the cases without their results are no runs.
            if json.get("expect").is_some() {
                goldens.push(serde_json::from_value(json).expect(&name));
            }
        }
    }
    assert!(goldens.len() >= 15, "only {} golden runs found", goldens.len());
    goldens
}

#[test]
fn the_cpu_references_train_as_the_oracle_does() {
    for golden in goldens() {
        // A GPU's profile has partitions in forward products, too.
        for (tiles, micro_batches) in [(DeviceClass::Cpu, 1), (DeviceClass::Cpu, 3), (DeviceClass::Gpu, 1)] {
            let micro_batches = golden.micro_batches(micro_batches);
            let cut = Cut { tiles, placement: Placement::Resident, micro_batches };
            check(&golden, cut, &|plan| Box::new(Cpu::new(plan).unwrap()));
        }
    }
}

#[test]
fn every_tile_trains_as_the_oracle_does_on_the_first_adapter() {
    let adapters = adapters();
    let adapter = adapters.first().expect("no adapter: scripts/test brings a software one");
    let golden = goldens();
    for (number, golden) in golden.iter().enumerate() {
        let check = |cut| check(golden, cut, &|plan| Box::new(Gpu::new(adapter, plan).unwrap()));
        check(Cut { tiles: adapter.class(), placement: Placement::Resident, micro_batches: 1 });
        // The other device profiles, streamed data, and batches in micro-batches take turns: cnn1 with its long
        // sum comes first, and so gets a GPU's partitions.
        let tiles = [DeviceClass::Gpu, DeviceClass::Software, DeviceClass::OldSoftware][number % 3];
        check(Cut { tiles, placement: Placement::Streamed, micro_batches: golden.micro_batches(2) });
    }
}

#[test]
#[should_panic(expected = "loss of step 1")]
fn a_wrong_oracle_is_noticed() {
    let mut golden = goldens().remove(0);
    golden.expect.loss[0] *= 1.001;
    let cut = Cut { tiles: DeviceClass::Cpu, placement: Placement::Resident, micro_batches: 1 };
    check(&golden, cut, &|plan| Box::new(Cpu::new(plan).unwrap()));
}
