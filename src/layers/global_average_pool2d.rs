//! The mean of each channel over the image: input `[N, H, W, C]`, output `[N, C]`.

use serde::{Deserialize, Serialize};

use super::average_pool2d::average;
use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules, image, only};
use crate::error::Result;
use crate::geometry::{Shape, Window};
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
        let input = image(only(inputs)?)?;
        let window = Some(Window::whole(input)?);
        Ok(Inferred { window, ..Inferred::of(Shape::Features(input[2])) })
    }

    /// As of [`AveragePool2d`](super::AveragePool2d).
    fn rules(&self) -> Rules {
        Rules { keeps_sign: true, ..Rules::NONE }
    }

    /// An average-pool whose one window is the image.
    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        average(place, tape)
    }
}
