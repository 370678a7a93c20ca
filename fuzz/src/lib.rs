//! What the fuzz targets call: the readers of files that are not trusted. `tests/formats/corpus.rs` calls them, too.

use std::path::Path;

use gpu_fmnist::data::{Images, Labels};
use gpu_fmnist::formats::{Checkpoint, Format, decode};
use gpu_fmnist::model::{parse, summary};
use gpu_fmnist::train::State;

/// A reader by name: a target and a corpus are called the same. It says whether it took the bytes.
pub type Reader = (&'static str, fn(&[u8]) -> bool);

pub const READERS: [Reader; 8] = [
    ("checkpoint", checkpoint),
    ("idx", idx),
    ("keras_h5", keras_h5),
    ("keras_zip", keras_zip),
    ("model", model),
    ("onnx", onnx),
    ("safetensors", safetensors),
    ("state", state),
];

pub fn checkpoint(bytes: &[u8]) -> bool {
    match Checkpoint::decode(bytes, "fuzz") {
        Ok(checkpoint) => {
            drop(State::parse(&checkpoint, Path::new("fuzz")));
            true
        }
        Err(_) => false,
    }
}

/// The JSON text of a checkpoint by itself: no mutation of a whole file gets past its SHA-256.
pub fn state(bytes: &[u8]) -> bool {
    let about = String::from_utf8_lossy(bytes).into_owned();
    State::parse(&Checkpoint { about, tensors: Vec::new() }, Path::new("fuzz")).is_ok()
}

pub fn idx(bytes: &[u8]) -> bool {
    let name = Path::new("fuzz");
    let (images, labels) = (Images::decode(name, bytes), Labels::decode(name, bytes));
    if let Ok(images) = &images {
        assert_eq!(images.pixels.len(), images.shape.iter().product::<usize>());
    }
    images.is_ok() || labels.is_ok()
}

pub fn model(bytes: &[u8]) -> bool {
    let model = std::str::from_utf8(bytes).ok().and_then(|text| parse("fuzz.toml", text).ok());
    model.is_some_and(|model| summary(&model).is_ok())
}

pub fn keras_h5(bytes: &[u8]) -> bool {
    network(bytes)
}

pub fn keras_zip(bytes: &[u8]) -> bool {
    network(bytes)
}

pub fn onnx(bytes: &[u8]) -> bool {
    network(bytes)
}

pub fn safetensors(bytes: &[u8]) -> bool {
    network(bytes)
}

/// A network in any of the exchange formats. What is read can be written, and read again.
fn network(bytes: &[u8]) -> bool {
    let Ok(network) = decode(bytes, "fuzz", None) else { return false };
    for format in Format::ALL {
        let bytes = format.encode(&network).expect("what was checked can be written");
        if format != Format::Npz {
            let again = decode(&bytes, "fuzz", None).expect("what was written can be read");
            // Keras' names of models have fewer characters.
            assert_eq!((again.model.input, again.model.layers), (network.model.input, network.model.layers.clone()));
        }
    }
    true
}
