//! What images a file's input may be. ONNX does not say which axis is what: each way to see it is tried, the
//! likeliest first.

use super::constant::{Constant, Element};
use super::file::{File, REMEDY, number};
use super::view::{Axes, View};
use crate::formats::onnx::fields::kind;
use crate::formats::onnx::shown::{Found, shown};
use crate::formats::protobuf::{Fields, Value, bytes};
use crate::geometry::product;

/// Numbers of channels that images are known to have.
const USUAL: [usize; 3] = [1, 3, 4];

/// A way to see the input: images `[H, W, C]`, of which the file's input is that view.
pub struct Images {
    pub shape: [usize; 3],
    pub view: View,
}

/// What a file says of its input.
#[derive(Clone, Copy)]
pub struct Input {
    /// The size of the batch, where the file has one for all.
    pub batch: Option<i64>,
    /// Whether it takes bytes, and not just any numbers.
    pub is_bytes: bool,
}

/// What the file says of its input, and the ways to see it.
pub fn images(file: &File) -> Found<(Input, Vec<Images>)> {
    let (name, kind) = match file.inputs[..] {
        [input] => input,
        [] => return Err(format!("has no input; {REMEDY}")),
        [_, (second, _), ..] => {
            let (count, second) = (file.inputs.len(), shown(second));
            return Err(format!("has {count} inputs, {second} among them, where images are the only one; {REMEDY}"));
        }
    };
    let sizes = sizes(kind).unwrap_or_default();
    let rest: Option<Vec<usize>> = sizes.iter().skip(1).copied().collect();
    let image = match rest.as_deref() {
        Some(rest @ ([_] | [_, _] | [_, _, _])) if !rest.contains(&0) && product(rest).is_some() => rest.to_vec(),
        _ => {
            let size = |size: &Option<usize>| size.map_or("?".to_owned(), |size| size.to_string());
            let shape = sizes.iter().take(8).map(size).collect::<Vec<_>>().join(", ");
            let wanted =
                "export it with images of a fixed size, [N, channels, height, width] or [N, height, width, channels]";
            return Err(format!("its input {} has the shape [{shape}]; {wanted}", shown(name)));
        }
    };
    let images = match image[..] {
        [one, two, three] => of_three([one, two, three], false),
        [height, width] => {
            let shape = [height, width, 1];
            let axes = Axes::image(shape);
            vec![Images { shape, view: View::of([axes.dim([0]), axes.dim([1])]) }]
        }
        _ => of_one(file, image[0]),
    };
    match images.is_empty() {
        true => Err(format!("its input {} has {} values, which are no square image; {REMEDY}", shown(name), image[0])),
        false => Ok((Input { batch: sizes[0].map(|size| size as i64), is_bytes: is_integer(kind) }, images)),
    }
}

impl Images {
    fn new(shape: [usize; 3], is_flat: bool, has_channels_last: bool) -> Self {
        let axes = Axes::image(shape);
        let view = if has_channels_last { View::channels_last(&axes) } else { View::channels_first(&axes) };
        let view = if is_flat { View::of([axes.dim(view.0[1..].iter().flat_map(|dim| dim.axes()))]) } else { view };
        Self { shape, view }
    }
}

/// `[C, H, W]` or `[H, W, C]`
fn of_three([one, two, three]: [usize; 3], is_flat: bool) -> Vec<Images> {
    let first = Images::new([two, three, one], is_flat, false);
    let last = Images::new([one, two, three], is_flat, true);
    if USUAL.contains(&three) && !USUAL.contains(&one) { vec![last, first] } else { vec![first, last] }
}

/// Of pixels in a row the first `Reshape` says what they are; else they are a square image, grey or in colours.
fn of_one(file: &File, pixels: usize) -> Vec<Images> {
    let constant = |name: &[u8]| {
        let made = file.nodes.iter().find(|node| node.operator() == "Constant" && node.outputs().next() == Some(name));
        let tensor = file.initializers.get(name).copied().or_else(|| made?.tensor("value"))?;
        Constant::read(tensor, file.external).ok()?.numbers().ok()
    };
    let shapes = file.nodes.iter().filter(|node| node.operator() == "Reshape").take(4);
    let shapes = shapes.filter_map(|node| constant(node.input(1)?));
    let images = shapes.flat_map(|shape| {
        let sizes: Vec<usize> = shape.iter().skip(1).filter_map(|&size| usize::try_from(size).ok()).collect();
        match sizes[..] {
            _ if product(&sizes) != Some(pixels) => Vec::new(),
            [height, width] => vec![Images::new([height, width, 1], true, true)],
            [one, two, three] => of_three([one, two, three], true),
            _ => Vec::new(),
        }
    });
    let square = |channels: usize, has_channels_last| {
        let side = (pixels / channels).isqrt();
        (side * side * channels == pixels).then(|| Images::new([side, side, channels], true, has_channels_last))
    };
    images.chain(square(1, true)).chain(square(3, false)).chain(square(3, true)).collect()
}

/// Whether a `TypeProto` is of whole numbers.
fn is_integer(message: &[u8]) -> bool {
    let code = bytes(message, kind::TENSOR).and_then(|tensor| number(tensor, kind::ELEMENT));
    code.and_then(Element::of).is_some_and(Element::is_integer)
}

/// The sizes of a `TypeProto`, where they are known.
fn sizes(message: &[u8]) -> Option<Vec<Option<usize>>> {
    let shape = bytes(bytes(message, kind::TENSOR)?, kind::SHAPE)?;
    let mut sizes = Vec::new();
    for field in Fields::of(shape).take(8) {
        if let (kind::DIMENSION, Value::Bytes(dimension)) = field? {
            sizes.push(number(dimension, kind::SIZE).and_then(|size| usize::try_from(size).ok()));
        }
    }
    Some(sizes)
}

#[cfg(test)]
mod tests {
    use super::super::constant::BATCH;
    use super::*;

    #[test]
    fn the_likeliest_images_come_first() {
        for (sizes, shape) in [
            ([1, 28, 28], [28, 28, 1]),
            ([28, 28, 1], [28, 28, 1]),
            ([32, 32, 3], [32, 32, 3]),
            ([3, 32, 32], [32, 32, 3]),
            ([1, 1, 3], [1, 3, 1]),
        ] {
            let first = &of_three(sizes, false)[0];
            assert_eq!(first.shape, shape, "{sizes:?}");
            assert_eq!(first.view.sizes(&Axes::image(shape)), [&[BATCH][..], &sizes.map(|size| size as i64)].concat());
        }
    }
}
