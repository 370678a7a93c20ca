//! The mean of each channel over the image: input `[N, H, W, C]`, output `[N, C]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules, image, only};
use crate::error::{Error, Result};
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
};

impl Operation for GlobalAveragePool2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let [.., channels] = image(only(inputs)?)?;
        Ok(Inferred::of(Shape::Features(channels)))
    }

    fn rules(&self) -> Rules {
        Rules { keeps_sign: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, _: &mut Tape) -> Result<Backward> {
        Err(Error::Failed(format!("{}: is no pass yet", place.name)))
    }
}
