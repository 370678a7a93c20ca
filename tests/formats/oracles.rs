//! What onnx, onnxruntime, NumPy and safetensors' own library make of the files. `GPU_FMNIST_PYTHON` names a Python that
//! has them; `scripts/test` makes one.

use std::fs;
use std::path::Path;
use std::process::Command;

use gpu_fmnist::Device;
use gpu_fmnist::data::Samples;
use gpu_fmnist::formats::{Format, Network};
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::model::NAMES;
use gpu_fmnist::precision::Precision;
use gpu_fmnist::train::{Evaluator, Setup};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::python::python;
use crate::{models, network, noise};

/// The most that a probability may differ by.
pub const TOLERANCE: f64 = 1e-5;
/// Samples: two batches of the larger size, the second one not full.
const COUNT: usize = 60;

/// What a script answers; none where there is no Python for it.
pub fn run(script: &Path, arguments: &[&Path]) -> Option<Value> {
    let python = python("onnxruntime and NumPy")?;
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn oracle(arguments: &[&Path]) -> Option<Value> {
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/oracles.py"), arguments)
}

/// The probabilities `[N, classes]` that the CPU path gives images `[N, H, W, C]`.
pub fn probabilities(network: &Network, images: &[u8]) -> Vec<f64> {
    let shape = network.model.input;
    let count = images.len() / shape.iter().product::<usize>();
    let test = Samples { images: images.to_vec(), labels: vec![0; count], shape };
    let engine =
        Setup::new(&network.model, &test, 32, DeviceClass::Cpu).engine(|plan| Device::Cpu.executor(plan)).unwrap();
    let mut evaluator = Evaluator::new((&network.tensors, Path::new("network")), engine).unwrap();
    let (_, predictions) = evaluator.predict(&(0..count as u32).collect::<Vec<_>>()).unwrap();
    (0..count).flat_map(|sample| predictions.probabilities(sample).to_vec()).collect()
}

/// Images of noise, and the probabilities `[COUNT, classes]` that the CPU path gives them.
fn predicted(network: &Network) -> (Vec<u8>, Vec<f64>) {
    let pixels = COUNT * network.model.input.iter().product::<usize>();
    let images: Vec<u8> = (0..pixels).map(|place| (127.5 * (noise(place) + 1.0)) as u8).collect();
    let probabilities = probabilities(network, &images);
    (images, probabilities)
}

#[test]
fn onnxruntime_predicts_the_same() {
    let whole = models().into_iter().map(|model| (model, Precision::F32));
    let small = [(models().remove(0), Precision::F16), (models().remove(NAMES.len()), Precision::Bf16)];
    for (model, precision) in whole.chain(small) {
        let network = network(model).rounded(precision).unwrap().into_owned();
        let folder = tempfile::tempdir().unwrap();
        let [file, images, probabilities] =
            ["network.onnx", "images", "probabilities"].map(|name| folder.path().join(name));
        let (pixels, expected) = predicted(&network);
        let spread = expected.iter().fold(0.0, |most: f64, &value| most.max(value))
            - expected.iter().fold(1.0, |least: f64, &value| least.min(value));
        assert!(spread > 0.1, "{}: all is equally likely, whatever the network does", network.model.name);
        fs::write(&file, Format::Onnx.encode_in(&network, precision).unwrap()).unwrap();
        fs::write(&images, pixels).unwrap();
        fs::write(&probabilities, expected.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<_>>()).unwrap();
        let Some(said) = oracle(&["onnx".as_ref(), &file, &images, &probabilities]) else { return };
        let ([height, width, channels], classes) = (network.model.input, network.model.classes());
        assert_eq!(said["input"], json!(["images", ["batch", height, width, channels]]));
        assert_eq!(said["output"], json!(["probabilities", ["batch", classes]]));
        assert_eq!(said["about"]["class_names"], json!(network.class_names));
        for batch in ["1", "37"] {
            let difference = said["differences"][batch].as_f64().unwrap();
            assert!(difference <= TOLERANCE, "{}, batches of {batch}: {difference} off", network.model.name);
        }
    }
}

#[test]
fn numpy_and_safetensors_read_every_bit() {
    for model in [models().remove(1), models().remove(NAMES.len() + 1)] {
        for precision in [Precision::F32, Precision::F16] {
            numpy_and_safetensors_read(&network(model.clone()).rounded(precision).unwrap(), precision);
        }
    }
}

fn numpy_and_safetensors_read(network: &Network, precision: Precision) {
    let kind = if precision == Precision::F16 { "float16" } else { "float32" };
    let expected: serde_json::Map<String, Value> = (network.tensors.iter())
        .map(|tensor| {
            let mut hasher = Sha256::new();
            tensor.values.iter().for_each(|value| hasher.update(value.to_le_bytes()));
            let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            (tensor.name.replace('.', "/"), json!([kind, tensor.shape, hash]))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Npz, Format::Safetensors] {
        let file = folder.path().join(format!("network.{}", format.extension()));
        fs::write(&file, format.encode_in(network, precision).unwrap()).unwrap();
        let Some(said) = oracle(&["arrays".as_ref(), &file]) else { return };
        assert_eq!(said, Value::Object(expected.clone()), "{}", format.name());
    }
}
