//! The largest value of each channel over the image; equal ones share its gradient equally: input `[N, H, W, C]`, output `[N, C]`.

use serde::{Deserialize, Serialize};

use super::keys::LayerKeys;
use super::operation::{Backward, Inferred, Operation, Place, Rules, image, only};
use crate::error::Result;
use crate::geometry::{Shape, Window};
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
        let input = image(only(inputs)?)?;
        let window = Some(Window::whole(input)?);
        Ok(Inferred { window, ..Inferred::of(Shape::Features(input[2])) })
    }

    /// max(x, 0) of the largest is the largest of max(x, 0); where none is positive, neither way lets a gradient through.
    fn rules(&self) -> Rules {
        Rules { commutes_with_relu: true, keeps_sign: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let window = place.window()?;
        let (input, output, layer) = (place.input()?, place.output, place.name.to_owned());
        let (batch, [height, width, channels]) = (tape.rows, window.input);
        let argmax = tape.buffer(&format!("{layer}.argmax"), vec![batch, channels]);
        let bound = [tape.output(input), tape.output(output), argmax];
        tape.forward(&layer, PoolForward { batch, window }, &bound);
        tape.set_relu_mask(output, tape.relu_mask(input).map(|_| 1.0));
        Ok(Box::new(move |tape| {
            if let Some(gradient) = tape.gradient(input) {
                let (pixels, relu_mask) = (height * width, tape.relu_mask(input));
                let kernel = GlobalMaxPoolBackward { batch, pixels, channels, relu_mask };
                tape.backward(&layer, kernel, &[tape.gradient_of(output), tape.output(input), gradient]);
            }
            Ok(())
        }))
    }
}
