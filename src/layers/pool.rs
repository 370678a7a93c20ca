//! What pools share: the keys of those with a window, and the passes of all, over an image `[N, H, W, C]`.

use serde::{Deserialize, Serialize};

use super::keys::{Key, Kind, PADDING, optional_pair, pair};
use super::operation::{Backward, Inferred, Place, image, only};
use crate::error::Result;
use crate::geometry::{Padding, Shape, Window};
use crate::kernels::{AveragePoolBackward, AveragePoolForward, Kernel, ReluMask};
use crate::plan::{BufferId, Tape};

/// The windows of a pool, as a file spells them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Height and width.
    #[serde(deserialize_with = "pair")]
    pub size: [usize; 2],
    /// The size where none is given.
    #[serde(default, deserialize_with = "optional_pair", skip_serializing_if = "Option::is_none")]
    pub stride: Option<[usize; 2]>,
    #[serde(default)]
    pub padding: Padding,
}

pub(super) const REQUIRED: &[Key] = &[("size", Kind::Pair)];
pub(super) const OPTIONAL: &[Key] = &[("stride", Kind::Pair), PADDING];

impl Pool {
    /// The stride, the size where none is given.
    pub fn stride(&self) -> [usize; 2] {
        self.stride.unwrap_or(self.size)
    }

    /// Output `[N, OH, OW, C]`.
    pub(super) fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let window = Window::new(image(only(inputs)?)?, self.size, self.stride(), self.padding)?;
        Ok(Inferred { window: Some(window), ..Inferred::of(window.pooled()) })
    }
}

/// Of a pool whose one window is the image: output `[N, C]`.
pub(super) fn infer_global(inputs: &[Shape]) -> std::result::Result<Inferred, String> {
    let input = image(only(inputs)?)?;
    let window = Some(Window::whole(input)?);
    Ok(Inferred { window, ..Inferred::of(Shape::Features(input[2])) })
}

/// Room for where in each window the largest value is.
pub(super) fn argmax(place: &Place, tape: &mut Tape) -> Result<BufferId> {
    let Window { input: [.., channels], output: [height, width], .. } = place.window()?;
    Ok(tape.buffer(&format!("{}.argmax", place.name), vec![tape.rows, height, width, channels]))
}

/// The passes of a mean.
pub(super) fn average(place: &Place, tape: &mut Tape) -> Result<Backward> {
    let (batch, window) = (tape.rows, place.window()?);
    let backward = move |relu_mask| AveragePoolBackward { batch, window, relu_mask };
    emit(place, tape, AveragePoolForward { batch, window }, None, backward, None)
}

/// A forward pass, which may write an argmax, and a backward one with the input's ReLU mask, which may read it.
pub(super) fn emit<K: Kernel + 'static>(
    place: &Place,
    tape: &mut Tape,
    forward: impl Kernel + 'static,
    written: Option<BufferId>,
    backward: impl FnOnce(ReluMask) -> K + 'static,
    read: Option<BufferId>,
) -> Result<Backward> {
    let (input, output, layer) = (place.input()?, place.output, place.name.to_owned());
    let bound = [tape.output(input), tape.output(output)].into_iter().chain(written);
    tape.forward(&layer, forward, &bound.collect::<Vec<_>>());
    // As its input went through a ReLU, so did its output, and a mean of zeros lets no gradient through; what dropout did
    // to the input before is done. Nobody behind the logits needs to know: the input's mask comes with the backward pass.
    if tape.output(output) != tape.host.logits {
        tape.set_relu_mask(output, tape.relu_mask(input).map(|_| 1.0));
    }
    Ok(Box::new(move |tape| {
        if let Some(gradient) = tape.gradient(input) {
            let bound = [tape.gradient_of(output)].into_iter().chain(read).chain([tape.output(input), gradient]);
            tape.backward(&layer, backward(tape.relu_mask(input)), &bound.collect::<Vec<_>>());
        }
        Ok(())
    }))
}
