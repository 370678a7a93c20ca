//! `[N, H, W, C]` to `[N, H*W*C]`, channels last: nothing moves.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules, moves_nothing, only};
use crate::error::Result;
use crate::geometry::Shape;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "flatten",
    class_name: "Flatten",
    automatic_name: "flatten",
    required: &[],
    optional: &[],
    kernel: &[],
};

impl Operation for Flatten {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        Ok(Inferred::of(Shape::Features(only(inputs)?.values())))
    }

    fn rules(&self) -> Rules {
        Rules { is_identity: true, makes_logits: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, _: &mut Tape) -> Result<Backward> {
        moves_nothing(place)
    }
}
