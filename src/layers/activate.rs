//! An activation as a layer of its own.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::keys::{ACTIVATION, Kind, LayerKeys};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use super::pointwise;
use crate::error::Result;
use crate::geometry::Shape;
use crate::kernels::Function;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    pub activation: Activation,
    /// The largest value that a `relu` gives; none where there is no end to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<f32>,
    /// Of `leaky_relu`; [`Self::NEGATIVE_SLOPE`] where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_slope: Option<f32>,
    /// Of `elu`; [`Self::ALPHA`] where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f32>,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "activation",
    class_name: "Activation",
    automatic_name: "activation",
    required: &[ACTIVATION],
    optional: &[("max_value", Kind::Number), ("negative_slope", Kind::Number), ("alpha", Kind::Number)],
    kernel: &[],
};

impl Activate {
    /// What Keras' functions have.
    pub const NEGATIVE_SLOPE: f32 = 0.2;
    pub const ALPHA: f32 = 1.0;

    /// With Keras' parameters.
    pub const fn new(activation: Activation) -> Self {
        Self { activation, max_value: None, negative_slope: None, alpha: None }
    }

    /// What a kernel computes of a value.
    fn function(&self) -> Function {
        match self.activation {
            // A softmax is part of the loss.
            Activation::Linear | Activation::Softmax => Function::Linear,
            Activation::Relu => self.max_value.map_or(Function::Relu, Function::ReluUpTo),
            Activation::Gelu => Function::Gelu,
            Activation::Silu => Function::Silu,
            Activation::LeakyRelu => Function::LeakyRelu(self.negative_slope.unwrap_or(Self::NEGATIVE_SLOPE)),
            Activation::Elu => Function::Elu(self.alpha.unwrap_or(Self::ALPHA)),
            Activation::Tanh => Function::Tanh,
            Activation::Sigmoid => Function::Sigmoid,
        }
    }

    /// Says which parameter is not the activation's own, or no number for it.
    fn check(&self) -> std::result::Result<(), String> {
        let own = [
            ("max_value", self.max_value, Activation::Relu, "relu"),
            ("negative_slope", self.negative_slope, Activation::LeakyRelu, "leaky_relu"),
            ("alpha", self.alpha, Activation::Elu, "elu"),
        ];
        for (key, value, activation, name) in own {
            let Some(value) = value else { continue };
            if self.activation != activation {
                return Err(format!("{key} is of the activation {name} only; take it out"));
            }
            if !(value.is_finite() && value >= 0.0) {
                return Err(format!("{key} is {value}; give a number from 0 on"));
            }
        }
        Ok(())
    }
}

impl Operation for Activate {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        self.check()?;
        Ok(Inferred::of(only(inputs)?))
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn rules(&self) -> Rules {
        match self.activation {
            // A softmax is of the last layer only, and part of the loss.
            Activation::Linear | Activation::Softmax => Rules { is_identity: true, ..Rules::NONE },
            Activation::Relu if self.max_value.is_none() => Rules { is_relu: true, keeps_sign: true, ..Rules::NONE },
            Activation::Relu
            | Activation::Gelu
            | Activation::Silu
            | Activation::LeakyRelu
            | Activation::Elu
            | Activation::Tanh
            | Activation::Sigmoid => Rules { function: Some(self.function()), keeps_sign: true, ..Rules::NONE },
        }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        pointwise::emit(place, self.function(), None, tape)
    }
}
