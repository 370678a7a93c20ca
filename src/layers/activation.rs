//! What a layer with weights, or a layer of its own, does to each value.

use serde::{Deserialize, Serialize};

/// By name, with Keras' parameters unless an `activation` layer gives others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    #[default]
    Linear,
    /// max(x, 0)
    Relu,
    /// x times the normal distribution's share below x, by the error function and not approximated.
    Gelu,
    /// x sigmoid(x)
    Silu,
    /// x, or `negative_slope` x below 0.
    LeakyRelu,
    /// x, or `alpha` (exp(x) - 1) below 0.
    Elu,
    Tanh,
    /// 1 / (1 + exp(-x))
    Sigmoid,
    /// Only on the last layer, where it is part of the loss.
    Softmax,
}
