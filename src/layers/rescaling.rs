//! x * scale + offset, of pixels that are byte / 255.

use serde::{Deserialize, Serialize};

use super::keys::{Kind, LayerKeys};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use crate::error::{Error, Result};
use crate::geometry::Shape;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    pub scale: f64,
    #[serde(default)]
    pub offset: f64,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "rescaling",
    class_name: "Rescaling",
    automatic_name: "rescaling",
    required: &[("scale", Kind::Number)],
    optional: &[("offset", Kind::Number)],
};

impl Operation for Rescaling {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        for (key, value) in [("scale", self.scale), ("offset", self.offset)] {
            if !(value as f32).is_finite() {
                return Err(format!("{key} is {value}; give a finite number"));
            }
        }
        Ok(Inferred::of(only(inputs)?))
    }

    fn rules(&self) -> Rules {
        Rules { is_identity: self.scale == 1.0 && self.offset == 0.0, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, _: &mut Tape) -> Result<Backward> {
        Err(Error::Failed(format!("{}: is no pass yet", place.name)))
    }
}
