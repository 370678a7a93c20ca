//! Mean of each window, of what lies in the image: input `[N, H, W, C]`, output `[N, OH, OW, C]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules};
use super::pool::{self, Pool};
use crate::error::Result;
use crate::geometry::Shape;
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AveragePool2d(pub Pool);

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "average_pool2d",
    class_name: "AveragePooling2D",
    automatic_name: "average_pooling2d",
    required: pool::REQUIRED,
    optional: pool::OPTIONAL,
    kernel: &[],
};

impl Operation for AveragePool2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        self.0.infer(inputs)
    }

    /// A mean of what is not negative is not negative either. The ReLU of a mean is no mean of ReLUs.
    fn rules(&self) -> Rules {
        Rules { keeps_sign: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        pool::average(place, tape)
    }
}
