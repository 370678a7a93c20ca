//! What is written is read, to the bit.

use std::fs;

use gpu_fmnist::formats::{Format, Network, OptimizerState, Tensor, decode, read};
use gpu_fmnist::optimizers::Optimizer;

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
