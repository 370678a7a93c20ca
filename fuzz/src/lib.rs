//! What the fuzz targets call: the readers of files that are not trusted. `tests/formats/corpus.rs` calls them, too.

use std::path::Path;

use gpu_fmnist::data::{Framing, Images, Labels, Picture, Preparation};
use gpu_fmnist::formats::{Checkpoint, Format, decode};
use gpu_fmnist::layers::Activation;
use gpu_fmnist::model::{Model, Node, parse, summary};
use gpu_fmnist::survey::{Survey, comparison_html, html};
use gpu_fmnist::train::State;

/// A reader by name: a target and a corpus are called the same. It says whether it took the bytes.
pub type Reader = (&'static str, fn(&[u8]) -> bool);

pub const READERS: [Reader; 10] = [
    ("checkpoint", checkpoint),
    ("idx", idx),
    ("keras_h5", keras_h5),
    ("keras_zip", keras_zip),
    ("model", model),
    ("onnx", onnx),
    ("picture", picture),
    ("safetensors", safetensors),
    ("state", state),
    ("survey", survey),
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

/// What is read can be shown, too.
pub fn survey(bytes: &[u8]) -> bool {
    let Ok(survey) = Survey::decode(&String::from_utf8_lossy(bytes), Path::new("fuzz")) else { return false };
    html(&survey).unwrap();
    comparison_html(&["fuzz".into()], &[survey]).unwrap();
    true
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
    model.is_some_and(|(model, _)| summary(&model).is_ok())
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

/// A picture, for networks of one and of three channels, wherever its margins are.
pub fn picture(bytes: &[u8]) -> bool {
    let grey = Preparation { shape: [28, 28, 1], invert: None, framing: Framing::FASHION_MNIST };
    let framing = Framing { side: Some(0.7), by_mass: true, ..Framing::FASHION_MNIST };
    let colours = Preparation { shape: [16, 20, 3], invert: Some(bytes.len().is_multiple_of(2)), framing };
    let read = Picture::decode(bytes, &grey);
    if let Ok(picture) = &read {
        assert_eq!(picture.pixels.len(), 28 * 28);
        let picture = Picture::decode(bytes, &colours).expect("what was read can be read again");
        assert_eq!(picture.pixels.len(), 16 * 20 * 3);
    }
    read.is_ok()
}

/// A network in any of the exchange formats. What is read can be written, and read again.
fn network(bytes: &[u8]) -> bool {
    let Ok(network) = decode(bytes, "fuzz", None) else { return false };
    for format in Format::ALL {
        let bytes = format.encode(&network).expect("what was checked can be written");
        if format != Format::Npz {
            let again = decode(&bytes, "fuzz", None).expect("what was written can be read");
            // Keras' names of models have fewer characters, and its graphs an order of their own.
            if matches!(format, Format::Keras | Format::KerasH5) {
                assert_eq!(sorted(&again.model), sorted(&network.model));
            } else {
                assert_eq!(
                    (again.model.input, again.model.layers),
                    (network.model.input, network.model.layers.clone())
                );
            }
        }
    }
    true
}

/// The images' shape, and the layers in an order that is not the graph's. Keras' files end in a softmax, whether the model
/// does or not, and may have other layers that change nothing.
fn sorted(model: &Model) -> ([usize; 3], Vec<String>) {
    let layer = |node: &Node| {
        let mut layer = node.layer.clone();
        if let Some(own) = layer.own_activation().filter(|own| **own == Activation::Softmax) {
            *own = Activation::Linear;
        }
        (!layer.operation().rules().is_identity).then(|| format!("{layer:?}"))
    };
    let mut layers: Vec<String> = model.layers.iter().filter_map(layer).collect();
    layers.sort();
    (model.input, layers)
}
