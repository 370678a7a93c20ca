//! The exchange formats from outside: round trips, other programs as oracles, and hostile files.

mod corpus;
mod hostile;
mod oracles;
#[path = "../support/python.rs"]
mod python;
mod round_trips;
#[path = "../support/skips.rs"]
mod skips;

use gpu_fmnist::formats::{Network, Tensor};
use gpu_fmnist::model::{Model, notebook, parse, resolve};

/// A number in -1 to 1 for each place: an integer hash.
fn noise(place: usize) -> f32 {
    let mut hash = place as u32 ^ 0x9E37_79B9;
    for (shift, factor) in [(16, 0x7FEB_352D), (15, 0x846C_A68B), (16, 1)] {
        hash = (hash ^ (hash >> shift)).wrapping_mul(factor);
    }
    hash as f32 / (1_u64 << 31) as f32 - 1.0
}

/// The model with weights, biases among them, of the size that training leaves.
fn network(model: Model) -> Network {
    let mut tensors = Vec::new();
    for layer in resolve(&model).unwrap() {
        let kernel = layer.inferred.variables.iter().find(|variable| variable.shape.len() > 1);
        let rows = kernel.map_or(1, |kernel| kernel.values() / kernel.shape[kernel.shape.len() - 1]);
        let limit = (6.0 / rows as f32).sqrt();
        for variable in layer.inferred.variables {
            let noise = |place| limit * noise(place + 1000 * tensors.len());
            let values = (0..variable.values()).map(noise).collect();
            let name = format!("{}.{}", layer.name, variable.kind.name());
            tensors.push(Tensor { name, shape: variable.shape, values });
        }
    }
    let class_names = (0..model.classes()).map(|class| format!("class \"{class}\"\u{e9}")).collect();
    Network { model, tensors, optimizer: None, class_names, left_out: Vec::new() }
}

/// Odd sizes everywhere, borders that are wider on one side, windows that overlap, and every type of layer.
const ODD: &str = r#"
input = [11, 9, 3]
layers = [
    { type = "conv2d", filters = 5, kernel = [3, 2], stride = [2, 3], padding = "same", activation = "relu" },
    { type = "max_pool2d", size = [3, 2], stride = [2, 1] },
    { type = "conv2d", filters = 4, kernel = [2, 3], padding = "same" },
    { type = "dropout", rate = 0.5 },
    { type = "activation", activation = "relu" },
    { type = "flatten" },
    { type = "flatten" },
    { type = "dense", units = 7, activation = "relu" },
    { type = "dense", units = 3, activation = "softmax" },
]
"#;

/// Neither convolution nor pool.
const FLAT: &str = r#"
input = [3, 5, 2]
layers = [{ type = "flatten" }, { type = "dense", units = 2 }]
"#;

fn models() -> Vec<Model> {
    let notebook = ["cnn1", "cnn2", "cnn3"].map(|name| notebook(name).unwrap().0);
    let files = [("odd.toml", ODD), ("flat.toml", FLAT)].map(|(name, text)| parse(name, text).unwrap().0);
    notebook.into_iter().chain(files).collect()
}

/// The smallest network with every type of layer that has weights.
fn tiny() -> Network {
    let text = r#"
        input = [4, 4, 1]
        layers = [
            { type = "conv2d", filters = 2, kernel = 3, activation = "relu" },
            { type = "max_pool2d", size = 2 },
            { type = "flatten" },
            { type = "dropout", rate = 0.25 },
            { type = "dense", units = 2 },
        ]
    "#;
    network(parse("tiny.toml", text).unwrap().0)
}
