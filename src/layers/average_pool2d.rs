//! Mean of each window, of what lies in the image: input `[N, H, W, C]`, output `[N, OH, OW, C]`.

use serde::{Deserialize, Serialize};

use super::keys::{Kind, LayerKeys, PADDING, optional_pair, pair};
use super::operation::{Backward, Inferred, Operation, Place, Rules, image, only};
use crate::error::Result;
use crate::geometry::{Padding, Shape, Window};
use crate::kernels::{AveragePoolBackward, AveragePoolForward};
use crate::plan::Tape;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePool2d {
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
    kind: "average_pool2d",
    class_name: "AveragePooling2D",
    automatic_name: "average_pooling2d",
    required: &[("size", Kind::Pair)],
    optional: &[("stride", Kind::Pair), PADDING],
    kernel: &[],
};

impl AveragePool2d {
    /// The stride, the size where none is given.
    pub fn stride(&self) -> [usize; 2] {
        self.stride.unwrap_or(self.size)
    }
}

impl Operation for AveragePool2d {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let window = Window::new(image(only(inputs)?)?, self.size, self.stride(), self.padding)?;
        Ok(Inferred { window: Some(window), ..Inferred::of(window.pooled()) })
    }

    /// A mean of what is not negative is not negative either. The ReLU of a mean is no mean of ReLUs.
    fn rules(&self) -> Rules {
        Rules { keeps_sign: true, ..Rules::NONE }
    }

    fn emit(&self, place: &Place, tape: &mut Tape) -> Result<Backward> {
        average(place, tape)
    }
}

/// The passes of a mean over the place's window.
pub(super) fn average(place: &Place, tape: &mut Tape) -> Result<Backward> {
    let window = place.window()?;
    let (input, output, layer) = (place.input()?, place.output, place.name.to_owned());
    let batch = tape.rows;
    tape.forward(&layer, AveragePoolForward { batch, window }, &[tape.output(input), tape.output(output)]);
    // Behind a ReLU, what is zero is a mean of zeros, and none of these lets a gradient through.
    tape.set_relu_mask(output, tape.relu_mask(input).map(|_| 1.0));
    Ok(Box::new(move |tape| {
        if let Some(gradient) = tape.gradient(input) {
            let kernel = AveragePoolBackward { batch, window, relu_mask: tape.relu_mask(input) };
            tape.backward(&layer, kernel, &[tape.gradient_of(output), tape.output(input), gradient]);
        }
        Ok(())
    }))
}
