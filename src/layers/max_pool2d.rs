//! Largest value of each window, of what lies in the image: input `[N, H, W, C]`, output `[N, OH, OW, C]`.

use serde::{Deserialize, Serialize};

use super::keys::{Kind, LayerKeys, PADDING, optional_pair, pair};
use super::operation::{Backward, Inferred, Operation, Place, Rules, image, only};
use crate::error::Result;
use crate::geometry::{Padding, Shape, Window};
use crate::kernels::{PoolBackward, PoolForward};
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2d {
    /// Height and width.
    #[serde(deserialize_with = "pair")]
    pub size: [usize; 2],
    /// The size where none is given.
    #[serde(default, deserialize_with = "optional_pair", skip_serializing_if = "Option::is_none")]
    pub stride: Option<[usize; 2]>,
    #[serde(default)]
    pub padding: Padding,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "max_pool2d",
    class_name: "MaxPooling2D",
    automatic_name: "max_pooling2d",
    required: &[("size", Kind::Pair)],
    optional: &[("stride", Kind::Pair), PADDING],
    kernel: &[],
};

impl MaxPool2d {
    /// The stride, the size where none is given.
    pub fn stride(&self) -> [usize; 2] {
        self.stride.unwrap_or(self.size)
    }
}

impl Operation for MaxPool2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let window = Window::new(image(only(inputs)?)?, self.size, self.stride(), self.padding)?;
        Ok(Inferred { window: Some(window), ..Inferred::of(window.pooled()) })
    }

    fn rules(&self) -> Rules {
        let halves = self.size == [2, 2] && self.stride() == [2, 2];
        Rules { commutes_with_relu: true, keeps_sign: true, pools_by_two: halves, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        let window = place.window()?;
        let (input, output, layer) = (place.input()?, place.output, place.name.to_owned());
        let batch = tape.rows;
        let shape = vec![batch, window.output[0], window.output[1], window.input[2]];
        let argmax = tape.buffer(&format!("{layer}.argmax"), shape);
        let bound = [tape.output(input), tape.output(output), argmax];
        tape.forward(&layer, PoolForward { batch, window }, &bound);
        // As its input went through a ReLU, so did its output; what dropout did to it before is done.
        tape.set_relu_mask(output, tape.relu_mask(input).map(|_| 1.0));
        Ok(Box::new(move |tape| {
            if let Some(gradient) = tape.gradient(input) {
                let kernel = PoolBackward { batch, window, relu_mask: tape.relu_mask(input) };
                let bound = [tape.gradient_of(output), argmax, tape.output(input), gradient];
                tape.backward(&layer, kernel, &bound);
            }
            Ok(())
        }))
    }
}
