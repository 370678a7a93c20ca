//! Files that Keras 2 and 3 wrote: tests/formats/make_keras.py made them, and tests/formats/keras.json says what is in them.

use std::collections::BTreeMap;
use std::fs;

use gpu_fmnist::layers::{Activate, Activation, Layer};
use gpu_fmnist::model::resolve;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::support::{decode, files, folder};

#[derive(Deserialize)]
struct Expected {
    layers: Vec<Layer>,
    files: BTreeMap<String, File>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    /// Of the layers.
    names: Vec<String>,
    adam: Option<Adam>,
    /// SHA-256 of the bytes.
    arrays: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Adam {
    learning_rate: f64,
    time: u32,
}

#[test]
fn keras_own_files_are_read_to_the_bit() {
    let text = fs::read_to_string(folder().join("keras.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    let files = files();
    assert_eq!(files.len(), 7);
    for (name, bytes) in files {
        let expected_file = &expected.files[&name];
        let network = decode(&bytes, &name).unwrap();
        let softmax = Layer::Activation(Activate::new(Activation::Softmax));
        let layers = expected.layers.iter().chain([&softmax]).cloned();
        let layers: Vec<(String, Layer)> = expected_file.names.iter().cloned().zip(layers).collect();
        assert!(layers.len() >= expected.layers.len(), "{name}");
        let resolved = resolve(&network.model).unwrap();
        let found: Vec<(String, Layer)> = resolved.into_iter().map(|layer| (layer.name, layer.layer)).collect();
        assert_eq!((&network.model.name, network.model.input), (&expected_file.name, [8, 6, 1]), "{name}");
        assert_eq!(found, layers, "{name}");
        let adam =
            network.optimizer.as_ref().map(|adam| Adam { learning_rate: adam.learning_rate, time: adam.iterations });
        assert_eq!(adam, expected_file.adam, "{name}");
        let hash = |values: &[f32]| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let arrays = network.tensors.iter().map(|tensor| (tensor.name.clone(), hash(&tensor.values)));
        assert_eq!(arrays.collect::<BTreeMap<_, _>>(), expected_file.arrays, "{name}");
    }
}
