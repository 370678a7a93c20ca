//! The mean of each channel over the image: input `[N, H, W, C]`, output `[N, C]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules};
use super::pool;
use crate::error::Result;
use crate::geometry::Shape;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePool2d {}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "global_average_pool2d",
    class_name: "GlobalAveragePooling2D",
    automatic_name: "global_average_pooling2d",
    required: &[],
    optional: &[],
    kernel: &[],
};

impl Operation for GlobalAveragePool2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        pool::infer_global(inputs)
    }

    /// As of [`AveragePool2d`](super::AveragePool2d).
    fn rules(&self) -> Rules {
        Rules { keeps_sign: true, makes_logits: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        pool::average(place, tape)
    }
}
