//! Largest value of each window, of what lies in the image: input `[N, H, W, C]`, output `[N, OH, OW, C]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules};
use super::pool::{self, Pool};
use crate::error::Result;
use crate::geometry::Shape;
use crate::kernels::{PoolBackward, PoolForward};
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxPool2d(pub Pool);

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "max_pool2d",
    class_name: "MaxPooling2D",
    automatic_name: "max_pooling2d",
    required: pool::REQUIRED,
    optional: pool::OPTIONAL,
    kernel: &[],
};

impl Operation for MaxPool2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        self.0.infer(inputs)
    }

    fn rules(&self) -> Rules {
        let halves = self.0.size == [2, 2] && self.0.stride() == [2, 2];
        Rules { commutes_with_relu: true, keeps_sign: true, pools_by_two: halves, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let (batch, window, argmax) = (tape.rows, place.window()?, pool::argmax(place, tape)?);
        let backward = move |relu_mask| PoolBackward { batch, window, relu_mask };
        pool::emit(place, tape, PoolForward { batch, window }, Some(argmax), backward, Some(argmax))
    }
}
