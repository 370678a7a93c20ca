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

/// Runs `work` with an engine of the CPU path over the samples.
pub fn with_engine<T>(model: &Model, samples: &Samples, work: impl FnOnce(&mut Engine) -> T) -> T {
    let setup = Setup { seed: 7, ..Setup::new(model, samples, BATCH, DeviceClass::Cpu) };
    work(&mut setup.engine(|plan| Device::Cpu.executor(plan)).unwrap())
}

/// One epoch over all samples, in their order; its mean loss.
pub fn train(engine: &mut Engine, learning_rate: f64) -> f64 {
    let order: Vec<u32> = (0..engine.source().len() as u32).collect();
    engine.train(&order, learning_rate, &mut |_| ControlFlow::Continue(())).unwrap().loss()
}

/// The engine's network, with Adam's state.
pub fn network(engine: &mut Engine, learning_rate: f64) -> Network {
    let mut tensors = Vec::new();
    for variable in engine.plan().variables.clone() {
        for (suffix, place) in places(&variable) {
            let (name, values) = (variable.name() + suffix, engine.get(place).unwrap());
            tensors.push(Tensor { name, shape: variable.shape.clone(), values });
        }
    }
    let (model, optimizer) = (engine.plan().model.clone(), engine.plan().optimizer.clone());
    let optimizer = Some(OptimizerState { optimizer, learning_rate, iterations: engine.iterations });
    Network { model, tensors, optimizer, class_names: Vec::new(), left_out: Vec::new() }
}

/// Puts a network's weights into the engine, and Adam's moments where it has them.
pub fn put(engine: &mut Engine, network: &Network) {
    let kinds = if network.optimizer.is_some() { 3 } else { 1 };
    for variable in engine.plan().variables.clone() {
        for (suffix, place) in places(&variable).into_iter().take(kinds) {
            engine.put(place, &tensor(network, &(variable.name() + suffix)).values).unwrap();
        }
    }
    engine.iterations = network.optimizer.as_ref().map_or(0, |state| state.iterations);
}

/// Where a variable's values and moments are, and what their names end in.
fn places(variable: &Variable) -> Vec<(&'static str, Place)> {
    let states = &variable.training.as_ref().unwrap().states;
    [("", variable.values), (".first_moment", states[0]), (".second_moment", states[1])].into()
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
