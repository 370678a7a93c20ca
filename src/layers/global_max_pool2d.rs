//! The largest value of each channel over the image; equal ones share its gradient equally: input `[N, H, W, C]`, output `[N, C]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules};
use super::pool;
use crate::error::Result;
use crate::geometry::Shape;
use crate::kernels::{GlobalMaxPoolBackward, PoolForward};
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPool2d {}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "global_max_pool2d",
    class_name: "GlobalMaxPooling2D",
    automatic_name: "global_max_pooling2d",
    required: &[],
    optional: &[],
    kernel: &[],
};

impl Operation for GlobalMaxPool2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        pool::infer_global(inputs)
    }

    /// max(x, 0) of the largest is the largest of max(x, 0); where none is positive, neither way lets a gradient through.
    fn rules(&self) -> Rules {
        Rules { commutes_with_relu: true, keeps_sign: true, makes_logits: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let (batch, window, argmax) = (tape.rows, place.window()?, pool::argmax(place, tape)?);
        let [height, width, channels] = window.input;
        let backward = move |relu_mask| GlobalMaxPoolBackward { batch, pixels: height * width, channels, relu_mask };
        pool::emit(place, tape, PoolForward { batch, window }, Some(argmax), backward, None)
    }
}
