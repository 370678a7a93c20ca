//! What a layer with weights, or a layer of its own, does to each value.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    #[default]
    Linear,
    Relu,
    /// Only on the last layer, where it is part of the loss.
    Softmax,
}
