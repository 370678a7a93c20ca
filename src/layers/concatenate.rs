//! Values side by side along their last axis: `[N, H, W, C1]` and `[N, H, W, C2]` make `[N, H, W, C1 + C2]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules, several};
use crate::error::{Error, Result};
use crate::geometry::{MOST_VALUES, Shape, product};
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concatenate {}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "concatenate",
    class_name: "Concatenate",
    automatic_name: "concatenate",
    required: &[],
    optional: &[],
};

impl Operation for Concatenate {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let first = several(inputs)?;
        if let Some(other) = inputs.iter().find(|input| input.with_channels(1) != first.with_channels(1)) {
            return Err(format!("its inputs are {first} and {other}; give values that differ in the last size only"));
        }
        let channels = inputs.iter().map(|input| input.channels()).fold(0, usize::saturating_add);
        if product(&[first.with_channels(1).values(), channels]).is_none() {
            return Err(format!("its output has more than {MOST_VALUES} values a sample; give fewer inputs"));
        }
        Ok(Inferred::of(first.with_channels(channels)))
    }

    fn rules(&self) -> Rules {
        Rules::NONE
    }

    fn emit(&self, place: &Place, _: &mut Tape) -> Result<Backward> {
        Err(Error::Failed(format!("{}: is no pass yet", place.name)))
    }
}
