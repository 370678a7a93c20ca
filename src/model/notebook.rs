//! The three networks of the source notebook, and the epochs it trains them.

use super::Model;
use crate::geometry::Padding;
use crate::layers::Activation::{Linear, Relu};
use crate::layers::{Conv2d, Dense, Dropout, Flatten, Layer, MaxPool2d};

/// The names `--model` knows without a file.
pub const NAMES: [&str; 3] = ["cnn1", "cnn2", "cnn3"];

/// The notebook's network of that name and its number of epochs.
pub fn notebook(name: &str) -> Option<(Model, usize)> {
    let (layers, epochs) = match name {
        "cnn1" => (vec![first_convolution(32), pool(), Layer::Flatten(Flatten {}), dense(128), logits()], 10),
        "cnn2" => (
            vec![
                first_convolution(32),
                pool(),
                convolution(64),
                pool(),
                Layer::Flatten(Flatten {}),
                dense(128),
                dropout(0.25),
                dense(256),
                dropout(0.25),
                dense(128),
                logits(),
            ],
            20,
        ),
        "cnn3" => (
            vec![
                first_convolution(64),
                pool(),
                convolution(128),
                pool(),
                convolution(64),
                pool(),
                Layer::Flatten(Flatten {}),
                dense(128),
                dropout(0.25),
                dense(256),
                dropout(0.5),
                dense(256),
                dropout(0.25),
                dense(128),
                dropout(0.1),
                logits(),
            ],
            50,
        ),
        _ => return None,
    };
    Some((Model::sequence(name, [28, 28, 1], layers), epochs))
}

fn first_convolution(filters: usize) -> Layer {
    Layer::Conv2d(Conv2d {
        filters,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Valid,
        use_bias: true,
        activation: Relu,
    })
}

fn convolution(filters: usize) -> Layer {
    Layer::Conv2d(Conv2d {
        filters,
        kernel: [3, 3],
        stride: [2, 2],
        padding: Padding::Same,
        use_bias: true,
        activation: Relu,
    })
}

fn pool() -> Layer {
    Layer::MaxPool2d(MaxPool2d { size: [2, 2], stride: None, padding: Padding::Valid })
}

fn dense(units: usize) -> Layer {
    Layer::Dense(Dense { units, use_bias: true, activation: Relu })
}

fn logits() -> Layer {
    Layer::Dense(Dense { units: 10, use_bias: true, activation: Linear })
}

fn dropout(rate: f32) -> Layer {
    Layer::Dropout(Dropout { rate })
}
