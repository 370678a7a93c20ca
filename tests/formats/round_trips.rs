//! What is written is read, to the bit.

use std::fs;

use gpu_fmnist::error::Error;
use gpu_fmnist::formats::{Checkpoint, Format, Network, OptimizerState, Tensor, decode, read};
use gpu_fmnist::optimizers::{AdamW, Algorithm, Optimizer, Undecayed};
use gpu_fmnist::precision::Precision;
use serde_json::json;

use crate::{models, network, tiny};

/// The network without what only a run's folder keeps, its tensors in an order that does not depend on the format.
fn exchanged(mut network: Network) -> Network {
    network.tensors.retain(|tensor| !tensor.name.ends_with("_moment"));
    network.tensors.sort_by(|one, other| one.name.cmp(&other.name));
    network.optimizer = None;
    network
}

/// An optimizer on its way.
fn begun() -> OptimizerState {
    OptimizerState { optimizer: Optimizer::default(), learning_rate: 1e-3, iterations: 7 }
}

fn bits(network: &Network) -> Vec<u32> {
    network.tensors.iter().flat_map(|tensor| &tensor.values).map(|value| value.to_bits()).collect()
}

#[test]
fn one_format_after_the_other_keeps_every_bit() {
    for model in models() {
        let mut original = network(model);
        // Values that arithmetic would not leave as they are.
        original.tensors[0].values[..4].copy_from_slice(&[-0.0, f32::MIN_POSITIVE / 8.0, f32::MAX, 1e-40]);
        let original = exchanged(original);
        let folder = tempfile::tempdir().unwrap();
        let mut passed = original.clone();
        for format in [Format::Safetensors, Format::Onnx, Format::Safetensors] {
            // Files get renamed.
            let path = folder.path().join("network.bin");
            fs::write(&path, format.encode(&passed).unwrap()).unwrap();
            passed = exchanged(read(&path, None).unwrap());
            assert_eq!(passed, original, "{} as {}", original.model.name, format.name());
            assert_eq!(bits(&passed), bits(&original), "{} as {}", original.model.name, format.name());
        }
    }
}

#[test]
fn weights_in_16_bits_come_back_as_they_were_rounded() {
    let original = network(models().remove(0));
    let whole = |format: Format| format.encode(&original).unwrap().len();
    for (format, precision) in [
        (Format::Safetensors, Precision::Bf16),
        (Format::Safetensors, Precision::F16),
        (Format::Onnx, Precision::Bf16),
        (Format::Onnx, Precision::F16),
        (Format::KerasH5, Precision::F16),
        (Format::Keras, Precision::F16),
    ] {
        let bytes = format.encode_in(&original, precision).unwrap();
        assert!(bytes.len() < whole(format) * 11 / 20, "{}: {} bytes", format.name(), bytes.len());
        let back = decode(&bytes, "file", None).unwrap();
        let rounded = original.rounded(precision).unwrap().into_owned();
        assert_ne!(bits(&rounded), bits(&original));
        assert_eq!(bits(&exchanged(back)), bits(&exchanged(rounded)), "{} {}", format.name(), precision.name());
    }
    let bytes = Format::Npz.encode_in(&original, Precision::F16).unwrap();
    assert!(bytes.len() < whole(Format::Npz) * 11 / 20);
}

#[test]
fn what_16_bits_cannot_hold_is_refused() {
    let mut large = tiny();
    large.tensors[0].values[3] = 70_000.0;
    let refused = |format: Format, precision| match format.encode_in(&large, precision) {
        Err(Error::Usage(problem)) => problem,
        other => panic!("{other:?}"),
    };
    let problem = refused(Format::Onnx, Precision::F16);
    assert!(problem.contains("has a weight of 70000, beyond the largest such number"), "{problem}");
    Format::Onnx.encode_in(&large, Precision::Bf16).unwrap();
    for format in [Format::KerasH5, Format::Keras, Format::Npz] {
        let problem = refused(format, Precision::Bf16);
        assert!(problem.contains("has no such numbers; give f16"), "{problem}");
    }
}

#[test]
fn the_same_network_gives_the_same_bytes() {
    for format in Format::ALL {
        let bytes = format.encode(&tiny()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2100));
        assert!(bytes == format.encode(&tiny()).unwrap(), "{}", format.name());
    }
}

#[test]
fn moments_stay_behind() {
    let mut trained = tiny();
    let moments = ["first_moment", "second_moment"].map(|kind| {
        let moment = |tensor: &Tensor| Tensor { name: format!("{}.{kind}", tensor.name), ..tensor.clone() };
        trained.tensors.iter().map(moment).collect::<Vec<_>>()
    });
    trained.tensors.extend(moments.concat());
    trained.optimizer = Some(begun());
    trained.check("trained").unwrap();
    for format in [Format::Safetensors, Format::Onnx] {
        let passed = decode(&format.encode(&trained).unwrap(), "file", None).unwrap();
        assert_eq!(exchanged(passed), exchanged(trained.clone()), "{}", format.name());
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let refused = |change: fn(&mut Network), part: &str| {
        let mut network = tiny();
        change(&mut network);
        let message = network.check("file").unwrap_err().to_string();
        assert!(message.starts_with("file: ") && message.contains(part) && message.contains("; "), "{message}");
    };
    refused(|network| drop(network.tensors.remove(1)), "has no tensor conv2d.bias");
    refused(|network| network.tensors[1].shape = vec![1, 2], "conv2d.bias has the shape [1, 2], the model's has [2]");
    refused(|network| network.tensors[2].values[0] = f32::NAN, "dense.kernel has values that are not finite");
    refused(|network| network.tensors[0].name = "conv2d.kernels".into(), "conv2d.kernels, which no layer");
    refused(|network| network.tensors.push(network.tensors[0].clone()), "has a tensor twice");
    refused(|network| network.optimizer = Some(begun()), "conv2d.kernel.first_moment");
    refused(|network| network.class_names.truncate(1), "1 class names for 2 classes");
    refused(|network| network.class_names[1] = "\u{1b}[2J".into(), "control characters");
    refused(|network| network.model.name = "a/b".into(), "is not a part of a folder's name");
    refused(|network| network.model.name = String::new(), "name \"\" is empty");
    refused(|network| network.model.layers.truncate(2), "the last layer must put out two classes or more");
}

/// A run that evaluates averages has them beside its weights; as a network, it has them for weights.
#[test]
fn a_checkpoints_averages_are_its_networks_weights() {
    let Network { model, mut tensors, .. } = tiny();
    let average = |tensor: &Tensor| Tensor {
        name: format!("{}.average", tensor.name),
        values: tensor.values.iter().map(|value| value / 2.0).collect(),
        ..tensor.clone()
    };
    let averages: Vec<Tensor> = tensors.iter().map(average).collect();
    tensors.extend(averages.clone());
    for (takes_averages, key) in [(true, "average"), (false, "average"), (false, "other")] {
        let about = json!({"config": {"model": model, key: takes_averages}, "data": []}).to_string();
        let bytes = Checkpoint { about, tensors: tensors.clone() }.encode().unwrap();
        let network = decode(&bytes, "last.safetensors", None).unwrap();
        assert_eq!(network.tensors.len(), averages.len());
        for tensor in &network.tensors {
            let name = if takes_averages { format!("{}.average", tensor.name) } else { tensor.name.clone() };
            assert_eq!(Some(&tensor.values), tensors.iter().find(|one| one.name == name).map(|one| &one.values));
        }
    }
}

#[test]
fn what_keras_files_cannot_say_is_said() {
    let mut network = tiny();
    let adamw = |weight_decay| Algorithm::AdamW(AdamW { weight_decay, ..AdamW::default() });
    let optimizer = |weight_decay, weight_decay_exclude: &[Undecayed]| Optimizer {
        weight_decay_exclude: weight_decay_exclude.to_vec(),
        ..adamw(weight_decay).into()
    };
    let mut said = |optimizer: Optimizer| {
        network.optimizer = Some(OptimizerState { optimizer, ..begun() });
        Format::ALL.map(|format| format.before_fit(&network))
    };
    let call = "model.optimizer.exclude_from_weight_decay(var_names=[\"bias\", \"gamma\"])".to_owned();
    let excluded = [Undecayed::Bias, Undecayed::Gamma];
    let expected = Format::ALL.map(|format| format.name().starts_with("keras").then(|| call.clone()));
    assert_eq!(said(optimizer(0.1, &excluded)), expected);
    assert_eq!(said(optimizer(0.0, &excluded)), Format::ALL.map(|_| None));
    assert_eq!(said(optimizer(0.1, &[])), Format::ALL.map(|_| None));
}
