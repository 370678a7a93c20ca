//! The sum of two values or more, of one shape.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules, several};
use crate::error::{Error, Result};
use crate::geometry::Shape;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

pub(super) const KEYS: LayerKeys =
    LayerKeys { kind: "add", class_name: "Add", automatic_name: "add", required: &[], optional: &[] };

impl Operation for Add {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let first = several(inputs)?;
        match inputs.iter().find(|input| **input != first) {
            None => Ok(Inferred::of(first)),
            Some(other) => Err(format!("its inputs are {first} and {other}; give values of one shape")),
        }
    }

    fn rules(&self) -> Rules {
        Rules::NONE
    }

    fn emit(&self, place: &Place, _: &mut Tape) -> Result<Backward> {
        Err(Error::Failed(format!("{}: is no pass yet", place.name)))
    }
}
