//! Values as Keras sees them. They keep their order in memory all the way: `Flatten` and `Reshape` are other views of them,
//! and a model over `[28, 28]` or `[784]` sees the same pixels as one over `[28, 28, 1]`.

use serde_json::Value;

use super::graph::Call;
use super::layers::{Kind, kind};
use super::settings::{Settings, size};
use crate::geometry::Shape;
use crate::layers::Layer;

/// The most values of an image: more than any layer takes.
const MOST_PIXELS: usize = 1 << 30;

/// The input as Keras sees it, the batch left out, and as an image `[height, width, channels]`. Of pixels in a row, the first
/// `Reshape` says what image they are; else they are a square one.
pub fn input(shape: &Value, calls: &[Call]) -> Option<(Vec<usize>, [usize; 3])> {
    let (_, sizes) = shape.as_array()?.split_first()?;
    let view: Vec<usize> = sizes.iter().map(size).collect::<Option<_>>()?;
    let image = match view.as_slice() {
        [_] => {
            let weightless = |call: &&Call| !matches!(Settings(call.leaf.layer).class(), "Conv2D" | "Dense");
            let views = calls.iter().take_while(weightless).filter_map(|call| {
                match kind(call.leaf.layer, &view, &call.arguments) {
                    Ok((Kind::Reshape(target), _)) => image(&reshaped(&view, &target)?),
                    _ => None,
                }
            });
            views.chain(square(view[0])).next()?
        }
        view => image(view)?,
    };
    count(&image).filter(|values| (1..=MOST_PIXELS).contains(values))?;
    Some((view, image))
}

/// `[height, width]`, or with channels.
fn image(view: &[usize]) -> Option<[usize; 3]> {
    match *view {
        [height, width] => Some([height, width, 1]),
        [height, width, channels] => Some([height, width, channels]),
        _ => None,
    }
}

/// The square image of so many values, grey or in colours.
fn square(values: usize) -> Option<[usize; 3]> {
    let image = |channels: usize| {
        let side = (values / channels).isqrt();
        (side.checked_mul(side)?.checked_mul(channels)? == values).then_some([side, side, channels])
    };
    image(1).or_else(|| image(3))
}

/// The values in a shape.
pub fn count(view: &[usize]) -> Option<usize> {
    view.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))
}

/// The shape that a `Reshape` to `target` gives.
pub fn reshaped(view: &[usize], target: &[i64]) -> Option<Vec<usize>> {
    let known: Vec<usize> = target.iter().filter_map(|&size| usize::try_from(size).ok()).collect();
    let (all, known) = (count(view)?, count(&known)?);
    let size = |&size: &i64| match size {
        -1 => all.checked_div(known),
        size => usize::try_from(size).ok(),
    };
    let sizes: Vec<usize> = target.iter().map(size).collect::<Option<_>>()?;
    (target.iter().filter(|&&size| size == -1).count() <= 1 && count(&sizes)? == all).then_some(sizes)
}

/// How a layer of ours takes values that Keras may see in another way.
pub struct Taken {
    pub input: Input,
    /// Pixels that Keras has flattened must be flat for it, too.
    pub needs_own_view: bool,
    /// What it makes is seen as its input was.
    pub keeps_view: bool,
}

/// What must be where a layer's input is seen.
pub enum Input {
    /// An image, as it is.
    Image,
    /// One row.
    Features,
    /// Either of them.
    Channels,
    /// Anything.
    Values,
}

/// A row for each layer.
pub fn taken(layer: &Layer) -> Taken {
    let (input, needs_own_view, keeps_view) = match layer {
        Layer::Conv2d(_)
        | Layer::DepthwiseConv2d(_)
        | Layer::MaxPool2d(_)
        | Layer::AveragePool2d(_)
        | Layer::GlobalAveragePool2d(_)
        | Layer::GlobalMaxPool2d(_) => (Input::Image, false, false),
        Layer::Dense(_) => (Input::Features, true, false),
        Layer::BatchNormalization(_) => (Input::Channels, true, true),
        Layer::Concatenate(_) => (Input::Channels, true, false),
        Layer::Add(_) => (Input::Values, true, true),
        Layer::Activation(_) | Layer::Dropout(_) => (Input::Values, false, true),
        Layer::Flatten(_) | Layer::Rescaling(_) => (Input::Values, false, false),
    };
    Taken { input, needs_own_view, keeps_view }
}

/// What our layers see.
pub fn view(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Image(image) => image.to_vec(),
        Shape::Features(features) => vec![features],
    }
}
