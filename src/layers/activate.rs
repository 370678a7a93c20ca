//! An activation as a layer of its own.

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::keys::{ACTIVATION, LayerKeys};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use crate::error::{Error, Result};
use crate::geometry::Shape;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    pub activation: Activation,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "activation",
    class_name: "Activation",
    automatic_name: "activation",
    required: &[ACTIVATION],
    optional: &[],
};

impl Operation for Activate {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        Ok(Inferred::of(only(inputs)?))
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn rules(&self) -> Rules {
        match self.activation {
            // A softmax is of the last layer only, and part of the loss.
            Activation::Linear | Activation::Softmax => Rules { is_identity: true, ..Rules::NONE },
            Activation::Relu => Rules { is_relu: true, keeps_sign: true, ..Rules::NONE },
        }
    }

    /// Every activation that a network can have today goes into the pass before it.
    fn emit(&self, place: &Place, _: &mut Tape) -> Result<Backward> {
        Err(Error::Failed(format!("{}: no pass before it takes this activation", place.name)))
    }
}
