//! Networks that trained here, and the files of Keras' own under tests/formats/.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use gpu_fmnist::Device;
use gpu_fmnist::data::Samples;
use gpu_fmnist::error::Result;
use gpu_fmnist::evaluate::Predictions;
use gpu_fmnist::formats::{Network, OptimizerState, Tensor, keras_h5, keras_zip};
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::model::Model;
use gpu_fmnist::optimizers::{Adam, AdamW, Algorithm, Optimizer, Sgd, Undecayed};
use gpu_fmnist::plan::{Place, Variable};
use gpu_fmnist::train::{Engine, Setup};

pub const BATCH: usize = 8;

/// The folder of Keras' own files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

/// Keras' own files, by name: `.h5` and `.keras`.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".h5") || name.ends_with(".keras")).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read(folder().join(name)).unwrap())).collect()
}

/// By the file's ending.
pub fn decode(bytes: &[u8], name: &str) -> Result<Network> {
    if name.ends_with(".h5") { keras_h5::decode(bytes, name, None) } else { keras_zip::decode(bytes, name) }
}

/// Images of no particular content, and labels that depend on them.
pub fn samples(model: &Model, count: usize) -> Samples {
    let pixels: usize = model.input.iter().product();
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let images: Vec<u8> = (0..count * pixels).map(|_| byte()).collect();
    let labels = images.chunks(pixels).map(|image| image[0] % model.classes() as u8).collect();
    Samples { images, labels, shape: model.input }
}

/// Runs `work` with an engine of the CPU path over the samples, which trains by Adam.
pub fn with_engine<T>(model: &Model, samples: &Samples, work: impl FnOnce(&mut Engine) -> T) -> T {
    with_optimizer(&Optimizer::default(), model, samples, work)
}

/// The same with another optimizer.
pub fn with_optimizer<T>(
    optimizer: &Optimizer,
    model: &Model,
    samples: &Samples,
    work: impl FnOnce(&mut Engine) -> T,
) -> T {
    let mut setup = Setup { seed: 7, ..Setup::new(model, samples, BATCH, DeviceClass::Cpu) };
    setup.options.optimizer = optimizer.clone();
    work(&mut setup.engine(|plan| Device::Cpu.executor(plan)).unwrap())
}

/// One epoch over all samples, in their order; its mean loss.
pub fn train(engine: &mut Engine, learning_rate: f64) -> f64 {
    let order: Vec<u32> = (0..engine.source().len() as u32).collect();
    engine.train(&order, learning_rate, &mut |_| ControlFlow::Continue(())).unwrap().loss()
}

/// Optimizers beside Keras' own Adam, each with a learning rate, by a name for their files: every setting that has a
/// place there.
pub fn optimizers() -> Vec<(&'static str, f64, Optimizer)> {
    let sgd = |momentum, nesterov, weight_decay| Algorithm::Sgd(Sgd { momentum, nesterov, weight_decay });
    let adam = Adam { beta_1: 0.8, beta_2: 0.99, epsilon: 1e-5, weight_decay: 0.05 };
    vec![
        ("sgd", 0.05, sgd(0.0, false, 0.0).into()),
        ("momentum", 0.01, sgd(0.9, false, 0.0).into()),
        ("nesterov", 0.01, Optimizer { global_clipnorm: 0.5, ..sgd(0.8, true, 0.1).into() }),
        ("averaged", 0.02, Optimizer { ema_momentum: 0.75, ..sgd(0.5, false, 0.0).into() }),
        ("decayed_adam", 2e-3, Algorithm::Adam(adam).into()),
        ("adamw", 2e-3, Algorithm::AdamW(AdamW::default()).into()),
        (
            "averaged_adamw",
            1e-3,
            Optimizer {
                weight_decay_exclude: vec![Undecayed::Bias],
                global_clipnorm: 0.2,
                ema_momentum: 0.9,
                ..Algorithm::AdamW(AdamW { weight_decay: 0.2, ..AdamW::default() }).into()
            },
        ),
    ]
}

/// The engine's network, with the optimizer's state.
pub fn network(engine: &mut Engine, learning_rate: f64) -> Network {
    let mut tensors = Vec::new();
    for variable in engine.plan().variables.clone() {
        for (name, place) in places(&variable, engine) {
            tensors.push(Tensor { name, shape: variable.shape.clone(), values: engine.get(place).unwrap() });
        }
    }
    let (model, optimizer) = (engine.plan().model.clone(), engine.plan().optimizer.clone());
    let optimizer = Some(OptimizerState { optimizer, learning_rate, iterations: engine.iterations });
    Network { model, tensors, optimizer, class_names: Vec::new(), left_out: Vec::new() }
}

/// Puts a network's weights into the engine, and the optimizer's state where it has one of the engine's optimizer.
pub fn put(engine: &mut Engine, network: &Network) {
    let states = engine.plan().optimizer.states();
    let goes_on = network.optimizer.as_ref().is_some_and(|state| state.optimizer.states() == states);
    let kinds = if goes_on { 1 + states.len() } else { 1 };
    for variable in engine.plan().variables.clone() {
        for (name, place) in places(&variable, engine).into_iter().take(kinds) {
            engine.put(place, &tensor(network, &name).values).unwrap();
        }
    }
    engine.iterations = network.optimizer.as_ref().map_or(0, |state| state.iterations);
}

/// Where a variable's values are, and what the optimizer keeps of them, by their tensors' names.
fn places(variable: &Variable, engine: &Engine) -> Vec<(String, Place)> {
    let states = engine.plan().optimizer.states().into_iter().map(|state| format!(".{}", state.name));
    let suffixes = [String::new()].into_iter().chain(states);
    let kept = variable.training.as_ref().map_or(&[][..], |training| &training.states);
    let places = [&[variable.values], kept].concat();
    suffixes.map(|suffix| variable.name() + &suffix).zip(places).collect()
}

fn tensor<'a>(network: &'a Network, name: &str) -> &'a Tensor {
    network.tensors.iter().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The probabilities `[N, C]` of all samples.
pub fn probabilities(engine: &mut Engine) -> Vec<f64> {
    let order: Vec<u32> = (0..engine.source().len() as u32).collect();
    let (_, logits) = engine.predict(&order).unwrap();
    let classes = engine.plan().model.classes();
    let predictions = Predictions::from_logits(order, vec![0; logits.len() / classes], classes, &logits);
    (0..predictions.len()).flat_map(|sample| predictions.probabilities(sample).to_vec()).collect()
}

/// A network by its tensors' bits, sorted by name.
pub fn bits(network: &Network) -> Vec<(&str, &[usize], Vec<u32>)> {
    let bits = |tensor: &Tensor| tensor.values.iter().map(|value| value.to_bits()).collect();
    let mut all: Vec<_> =
        network.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice(), bits(tensor))).collect();
    all.sort();
    all
}
