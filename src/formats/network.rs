//! What each exchange format carries: a network, apart from the run that trained it.

use super::Tensor;
use crate::model::Model;

/// A network with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub model: Model,
    /// `LAYER.kernel` and `LAYER.bias` of each layer with weights, in Keras' shapes: `[height, width, channels, filters]`
    /// or `[inputs, units]`, and `[units]`. With [`Network::adam`], Adam's moments of each of them too: the same names
    /// with `.first_moment` and `.second_moment` after them.
    pub tensors: Vec<Tensor>,
    /// What continues Adam, where it is known.
    pub adam: Option<AdamState>,
    /// One for each class; empty where they are not known.
    pub class_names: Vec<String>,
}

/// Adam's own numbers beside the moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamState {
    pub learning_rate: f64,
    /// Steps done: Adam's t.
    pub time: u32,
}
