//! The exchange formats from outside: round trips, other programs as oracles, and hostile files.

mod corpus;
mod foreign_onnx;
mod hostile;
mod hostile_onnx;
#[path = "../support/onnx.rs"]
mod onnx;
mod oracles;
#[path = "../support/python.rs"]
mod python;
mod round_trips;
#[path = "../support/skips.rs"]
mod skips;

use gpu_fmnist::formats::{Network, Tensor};
use gpu_fmnist::model::{Model, NAMES, built_in, parse, resolve};
use gpu_fmnist::plan::VariableKind;

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
            let noise = |place| noise(place + 1000 * tensors.len());
            let value = |place| match variable.kind {
                VariableKind::Kernel | VariableKind::Bias => limit * noise(place),
                VariableKind::Gamma | VariableKind::MovingVariance => 1.0 + 0.5 * noise(place),
                VariableKind::Beta | VariableKind::MovingMean => 0.2 * noise(place),
            };
            let values = (0..variable.values()).map(value).collect();
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

/// A graph with every layer that [`ODD`] lacks, values with several readers, and every activation.
const GRAPH: &str = r#"
input = [11, 9, 3]
layers = [
    { type = "rescaling", scale = 2.5, offset = -0.5 },
    { type = "conv2d", filters = 6, kernel = 3, padding = "same", use_bias = false, name = "stem" },
    { type = "batch_normalization", name = "a" },
    { type = "activation", activation = "relu", max_value = 1.5, name = "b" },
    { type = "depthwise_conv2d", kernel = [3, 2], depth_multiplier = 2, padding = "same", activation = "silu" },
    { type = "depthwise_conv2d", kernel = 2, padding = "same", use_bias = false, activation = "gelu" },
    { type = "conv2d", filters = 6, kernel = 1, activation = "elu", name = "c" },
    { type = "activation", activation = "leaky_relu", negative_slope = 0.3, name = "d", inputs = ["stem"] },
    { type = "add", inputs = ["b", "c", "d"], name = "sum" },
    { type = "average_pool2d", size = [3, 2], stride = 2, padding = "same", name = "average" },
    { type = "max_pool2d", size = 3, stride = 2, padding = "same", inputs = ["sum"], name = "largest" },
    { type = "concatenate", inputs = ["average", "largest", "average"] },
    { type = "batch_normalization", epsilon = 0.1, momentum = 0.5, center = false, scale = false },
    { type = "activation", activation = "elu", alpha = 0.5, name = "last" },
    { type = "global_average_pool2d", name = "mean" },
    { type = "global_max_pool2d", inputs = ["last"], name = "most" },
    { type = "flatten", inputs = ["last"], name = "all" },
    { type = "dense", units = 18, activation = "tanh", use_bias = false },
    { type = "add", inputs = ["dense", "mean"], name = "e" },
    { type = "concatenate", inputs = ["e", "most"] },
    { type = "batch_normalization", center = false },
    { type = "dense", units = 5, activation = "leaky_relu" },
    { type = "activation", activation = "sigmoid" },
    { type = "dense", units = 4, use_bias = false },
]
"#;

/// Neither convolution nor pool.
const FLAT: &str = r#"
input = [3, 5, 2]
layers = [{ type = "flatten" }, { type = "dense", units = 2 }]
"#;

fn models() -> Vec<Model> {
    let own = NAMES.map(|name| built_in(name).unwrap().0);
    let files = [("odd.toml", ODD), ("graph.toml", GRAPH), ("flat.toml", FLAT)]
        .map(|(name, text)| parse(name, text).unwrap().0);
    own.into_iter().chain(files).collect()
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
