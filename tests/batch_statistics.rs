//! What a step with batch normalisation is, in micro-batches and with a short last one: each micro-batch has statistics of
//! its own rows, gradients add up by rows, and the moving statistics move once.

use std::ops::ControlFlow;
use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::{Gpu, adapters};
use gpu_fmnist::model::{Model, parse};
use gpu_fmnist::plan::{Executor, Place, Plan};
use gpu_fmnist::train::Setup;

const NETWORK: &str = "
input = [7, 6, 2]
[[layers]]
type = 'conv2d'
filters = 5
kernel = 3
use_bias = false
[[layers]]
type = 'batch_normalization'
momentum = 0.75
[[layers]]
type = 'activation'
activation = 'gelu'
[[layers]]
type = 'flatten'
[[layers]]
type = 'dense'
units = 9
[[layers]]
type = 'batch_normalization'
[[layers]]
type = 'dense'
units = 3
";

type Make<'a> = &'a dyn Fn(Arc<Plan>) -> Box<dyn Executor>;

fn model() -> Model {
    parse("network.toml", NETWORK).unwrap().0
}

fn samples(model: &Model) -> Samples {
    let pixels: usize = model.input.iter().product();
    let images = (0..9 * pixels).map(|at| (at * at * 37 % 251) as u8).collect();
    Samples { images, labels: vec![0, 1, 2, 2, 1, 0, 1, 1, 2], shape: model.input }
}

/// All gradients, then all moving statistics, after one step over `rows` samples from `first` on, in batches of `batch`.
fn step(first: u32, rows: u32, batch: usize, micro_batch: usize, make: Make) -> Vec<f32> {
    let model = model();
    let samples = samples(&model);
    let mut setup = Setup { seed: 3, ..Setup::new(&model, &samples, batch, DeviceClass::Cpu) };
    setup.options.micro_batch = micro_batch;
    let mut engine = setup.initialised(|plan| Ok(make(plan))).unwrap();
    let order: Vec<u32> = (first..first + rows).collect();
    engine.train(&order, 0.0, &mut |_| ControlFlow::Continue(())).unwrap();
    let variables = engine.plan().variables.clone();
    let moving = variables.iter().filter(|variable| !variable.is_trainable());
    let moving: Vec<Place> = moving.map(|variable| variable.values).collect();
    assert_eq!(moving.len(), 4);
    [engine.gradients().unwrap(), engine.get_all(&moving).unwrap()].concat().concat()
}

fn agree(ours: &[f32], expected: impl Iterator<Item = f32>, what: &str) {
    let expected: Vec<f32> = expected.collect();
    assert_eq!(ours.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    for (at, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
        assert!((ours - expected).abs() <= 2e-6 * largest, "{what}: {at}: {ours}, expected {expected}");
    }
    assert!(ours.iter().any(|value| value.abs() > 1e-3), "{what}: nothing there");
}

fn check(make: Make) {
    // Rows of a short batch that are none count nowhere.
    agree(&step(5, 4, 7, 7, make), step(5, 4, 4, 4, make).into_iter(), "a short batch");
    // 9 of 12 rows in micro-batches of 5: five rows, four, and none.
    let (one, two) = (step(0, 5, 5, 5, make), step(5, 4, 4, 4, make));
    let by_rows = one.iter().zip(&two).map(|(one, two)| (5.0 * one + 4.0 * two) / 9.0);
    agree(&step(0, 9, 12, 5, make), by_rows, "micro-batches");
    // Which is another step than that of one micro-batch.
    let whole = step(0, 9, 9, 9, make);
    let apart = whole.iter().zip(&step(0, 9, 9, 5, make)).any(|(one, other)| (one - other).abs() > 1e-3);
    assert!(apart, "the statistics are of the micro-batch");
}

#[test]
fn micro_batches_have_statistics_of_their_own_rows_on_the_cpu_path() {
    check(&|plan| Box::new(Cpu::new(plan).unwrap()));
}

#[test]
fn micro_batches_have_statistics_of_their_own_rows_on_the_first_adapter() {
    let adapters = adapters();
    let adapter = adapters.first().expect("no adapter: scripts/test brings a software one");
    check(&|plan| Box::new(Gpu::new(adapter, plan).unwrap()));
}
