//! Shape inference: what every layer puts out, and the weights it needs.

use super::{Activation, Layer, Model, Padding};
use crate::error::{Error, Result};

/// The most values of one sample, or of one layer's weights: far beyond any GPU's memory, and far from where the
/// arithmetic of sizes would wrap.
const MOST_VALUES: usize = 1 << 30;
/// The most filters or units of a layer.
const MOST_COLUMNS: usize = 1 << 24;
/// The largest window and the longest stride, along either axis.
pub const LARGEST_WINDOW: usize = 1 << 20;

/// The most layers: far more than anyone trains, and few enough that naming them all is quick.
const MOST_LAYERS: usize = 1000;

/// The shape of one sample between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[H, W, C]`
    Image([usize; 3]),
    /// `[features]`
    Features(usize),
}

impl Shape {
    /// Values in one sample.
    pub fn values(self) -> usize {
        match self {
            Shape::Image([height, width, channels]) => height * width * channels,
            Shape::Features(features) => features,
        }
    }
}

/// The geometry of a convolution or pooling window over one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub size: [usize; 2],
    pub stride: [usize; 2],
    /// Zeros above and to the left of the image.
    pub pad: [usize; 2],
    /// `[H, W, C]`
    pub input: [usize; 3],
    /// `[OH, OW]`
    pub output: [usize; 2],
}

/// Kernel and bias of a layer, kept as one matrix: the kernel's rows, then the bias as the last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// `[KH, KW, C, filters]` or `[in, units]`.
    pub kernel: Vec<usize>,
    /// Rows of the kernel: the product of all its dimensions but the last (the fan-in).
    pub rows: usize,
    /// Columns: filters or units.
    pub columns: usize,
}

impl Weights {
    /// Values in kernel and bias.
    pub fn values(&self) -> usize {
        (self.rows + 1) * self.columns
    }
}

/// A layer with everything inferred.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Keras' name: `conv2d`, `conv2d_1`, `dense` ...
    pub name: String,
    pub layer: Layer,
    pub input: Shape,
    pub output: Shape,
    pub weights: Option<Weights>,
    /// Of `conv2d` and `max_pool2d`.
    pub window: Option<Window>,
}

/// Infers every layer of `model`, or says which layer cannot be and why.
pub fn resolve(model: &Model) -> Result<Vec<Resolved>> {
    let refuse = |problem: String| Error::Usage(format!("model '{}'{problem}", model.name));
    if model.input.contains(&0) || product(&model.input).is_none() {
        let problem = format!(": input {:?} has a zero or more than {MOST_VALUES} values", model.input);
        return Err(refuse(format!("{problem}; give [height, width, channels] of the images")));
    }
    if model.layers.len() > MOST_LAYERS {
        return Err(refuse(format!(": {} layers; give at most {MOST_LAYERS}", model.layers.len())));
    }
    let mut shape = Shape::Image(model.input);
    let mut layers: Vec<Resolved> = Vec::new();
    for (index, layer) in model.layers.iter().enumerate() {
        let fail = |problem: String| refuse(format!(", layer {} ({}): {problem}", index + 1, kind(layer)));
        let last = index + 1 == model.layers.len();
        let resolved = infer(name(layer, &layers), layer, shape, last).map_err(fail)?;
        shape = resolved.output;
        layers.push(resolved);
    }
    match model.layers.last() {
        Some(Layer::Dense { activation: Activation::Linear | Activation::Softmax, units: 2.. }) => Ok(layers),
        _ => Err(refuse(
            ": the last layer must be 'dense' with two classes or more and no activation but softmax; end with one such \
             as { type = \"dense\", units = 10 }"
                .into(),
        )),
    }
}

/// What a layer puts out for one sample of that shape, or why it cannot be. Only a last layer may be a softmax.
pub fn after(layer: &Layer, input: Shape) -> std::result::Result<Shape, String> {
    infer(String::new(), layer, input, true).map(|layer| layer.output)
}

fn infer(name: String, layer: &Layer, input: Shape, last: bool) -> std::result::Result<Resolved, String> {
    let mut resolved = Resolved { name, layer: layer.clone(), input, output: input, weights: None, window: None };
    match *layer {
        Layer::Conv2d { filters, kernel, stride, padding, .. } => {
            let window = Window::named("kernel", image(input)?, kernel, stride, padding)?;
            let channels = window.input[2];
            resolved.output = output(window, filters, "filters")?;
            resolved.weights = Some(weights(vec![kernel[0], kernel[1], channels, filters], "kernel or filters")?);
            resolved.window = Some(window);
        }
        Layer::MaxPool2d { size, stride } => {
            let window = Window::new(image(input)?, size, stride.unwrap_or(size), Padding::Valid)?;
            resolved.output = Shape::Image([window.output[0], window.output[1], window.input[2]]);
            resolved.window = Some(window);
        }
        Layer::Flatten {} => resolved.output = Shape::Features(input.values()),
        Layer::Dense { units, .. } => {
            let Shape::Features(features) = input else {
                return Err("its input is an image; put a 'flatten' layer before it".into());
            };
            bounded(units, MOST_COLUMNS, "units")?;
            resolved.output = Shape::Features(units);
            resolved.weights = Some(weights(vec![features, units], "units")?);
        }
        Layer::Dropout { rate } if !(0.0..1.0).contains(&rate) => {
            return Err(format!("rate is {rate}; give one from 0 to below 1"));
        }
        Layer::Dropout { .. } | Layer::Activation { .. } => {}
    }
    if activation(layer) == Activation::Softmax && !last {
        return Err("activation is softmax, which is part of the loss; give it to the last layer only".into());
    }
    Ok(resolved)
}

fn image(input: Shape) -> std::result::Result<[usize; 3], String> {
    match input {
        Shape::Image(image) => Ok(image),
        Shape::Features(_) => Err("its input is flat; put it before the 'flatten' layer".into()),
    }
}

/// What a window with that many channels puts out; `key` is what a file calls them.
fn output(window: Window, channels: usize, key: &str) -> std::result::Result<Shape, String> {
    bounded(channels, MOST_COLUMNS, key)?;
    let [height, width] = window.output;
    let shape = [height, width, channels];
    match product(&shape) {
        Some(_) => Ok(Shape::Image(shape)),
        None => Err(format!("its output {shape:?} has more than {MOST_VALUES} values a sample; give fewer {key}")),
    }
}

/// The weights with a kernel of that shape; `keys` are what a file calls the sizes that make it large.
fn weights(kernel: Vec<usize>, keys: &str) -> std::result::Result<Weights, String> {
    let (columns, receptive) = kernel.split_last().map_or((0, &[][..]), |(&columns, receptive)| (columns, receptive));
    match product(receptive).filter(|&rows| product(&[rows + 1, columns]).is_some()) {
        Some(rows) => Ok(Weights { rows, columns, kernel }),
        None => Err(format!("its weights {kernel:?} are more than {MOST_VALUES}; make its input, {keys} smaller")),
    }
}

impl Window {
    /// The window's positions over an image `[H, W, C]`, or why there are none.
    pub fn new(
        input: [usize; 3],
        size: [usize; 2],
        stride: [usize; 2],
        padding: Padding,
    ) -> std::result::Result<Self, String> {
        Self::named("size", input, size, stride, padding)
    }

    /// Like [`Self::new`]; `key` is what a file calls the window's size.
    fn named(
        key: &str,
        input: [usize; 3],
        size: [usize; 2],
        stride: [usize; 2],
        padding: Padding,
    ) -> std::result::Result<Self, String> {
        let mut window = Window { size, stride, pad: [0; 2], input, output: [0; 2] };
        for (axis, extent) in ["height", "width"].into_iter().enumerate() {
            bounded(size[axis], LARGEST_WINDOW, key)?;
            bounded(stride[axis], LARGEST_WINDOW, "stride")?;
            let length = input[axis];
            window.output[axis] = match padding {
                Padding::Same => length.div_ceil(stride[axis]),
                Padding::Valid if size[axis] > length => {
                    let size = size[axis];
                    return Err(format!(
                        "{key} {size} is larger than its input's {extent} of {length}; give at most {length}"
                    ));
                }
                Padding::Valid => (length - size[axis]) / stride[axis] + 1,
            };
            // TensorFlow's rule; with 'valid' nothing is ever missing.
            let covered = (window.output[axis] - 1) * stride[axis] + size[axis];
            window.pad[axis] = covered.saturating_sub(length) / 2;
        }
        Ok(window)
    }
}

/// The product of sizes, unless it is more than [`MOST_VALUES`].
fn product(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).filter(|&values| values <= MOST_VALUES)
}

fn bounded(value: usize, most: usize, key: &str) -> std::result::Result<(), String> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(format!("{key} is {value}; give 1 to {most}")) }
}

/// The activation a layer applies to its output.
pub fn activation(layer: &Layer) -> Activation {
    match *layer {
        Layer::Conv2d { activation, .. } | Layer::Dense { activation, .. } | Layer::Activation { activation } => {
            activation
        }
        Layer::MaxPool2d { .. } | Layer::Flatten {} | Layer::Dropout { .. } => Activation::Linear,
    }
}

/// Keras' class name of the layer.
pub fn class_name(layer: &Layer) -> &'static str {
    match layer {
        Layer::Conv2d { .. } => "Conv2D",
        Layer::MaxPool2d { .. } => "MaxPooling2D",
        Layer::Flatten {} => "Flatten",
        Layer::Dense { .. } => "Dense",
        Layer::Dropout { .. } => "Dropout",
        Layer::Activation { .. } => "Activation",
    }
}

/// The layer's type as a file spells it.
fn kind(layer: &Layer) -> &'static str {
    match layer {
        Layer::Conv2d { .. } => "conv2d",
        Layer::MaxPool2d { .. } => "max_pool2d",
        Layer::Flatten {} => "flatten",
        Layer::Dense { .. } => "dense",
        Layer::Dropout { .. } => "dropout",
        Layer::Activation { .. } => "activation",
    }
}

/// Keras' name for the layer: its class in snake case, numbered from the second one on.
fn name(layer: &Layer, before: &[Resolved]) -> String {
    let base = if let Layer::MaxPool2d { .. } = layer { "max_pooling2d" } else { kind(layer) };
    match before.iter().filter(|other| kind(&other.layer) == kind(layer)).count() {
        0 => base.to_owned(),
        number => format!("{base}_{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `resolve` says of a model with this layer, where that is needed after a `flatten`, and a last one.
    fn refusal(input: [usize; 3], layer: Layer) -> String {
        let last = Layer::Dense { units: 2, activation: Activation::Linear };
        let layers = match layer {
            Layer::Dense { .. } => vec![Layer::Flatten {}, layer, last],
            _ => vec![layer, Layer::Flatten {}, last],
        };
        resolve(&Model { name: "huge".into(), input, layers }).unwrap_err().to_string()
    }

    #[test]
    fn sizes_that_would_wrap_are_refused() {
        let convolution = |filters, kernel, stride, padding| Layer::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            activation: Activation::Linear,
        };
        let dense = |units| Layer::Dense { units, activation: Activation::Linear };
        let pool = |size, stride| Layer::MaxPool2d { size, stride };
        let image = [28, 28, 1];
        for (layer, part) in [
            (convolution(8, [1 << 32; 2], [1; 2], Padding::Same), "layer 1 (conv2d): kernel is 4294967296; give 1 to"),
            (convolution(8, [3, 1 << 62], [1; 2], Padding::Valid), "kernel is 4611686018427387904; give 1 to"),
            (convolution(8, [1 << 20; 2], [1; 2], Padding::Same), "its weights [1048576, 1048576, 1, 8] are more than"),
            (convolution(8, [3; 2], [1 << 62; 2], Padding::Same), "stride is 4611686018427387904; give 1 to"),
            (convolution(1 << 62, [3; 2], [1; 2], Padding::Same), "filters is 4611686018427387904; give 1 to"),
            (convolution(1 << 24, [3; 2], [1; 2], Padding::Same), "values a sample; give fewer filters"),
            (convolution(0, [3; 2], [1; 2], Padding::Same), "filters is 0; give 1 to"),
            (pool([usize::MAX; 2], None), "layer 1 (max_pool2d): size is 18446744073709551615; give 1 to"),
            (pool([2; 2], Some([0, 1])), "stride is 0; give 1 to"),
            (pool([29, 2], None), "size 29 is larger than its input's height of 28; give at most 28"),
            (dense(1 << 62), "layer 2 (dense): units is 4611686018427387904; give 1 to"),
            (dense(1 << 24), "its weights [784, 16777216] are more than"),
        ] {
            let message = refusal(image, layer);
            assert!(message.contains(part), "no '{part}' in: {message}");
        }
        let many = Model { name: "huge".into(), input: image, layers: vec![Layer::Flatten {}; 1001] };
        assert!(resolve(&many).unwrap_err().to_string().contains("1001 layers; give at most 1000"));
        for input in [[1 << 32; 3], [1 << 31, 1, 1], [0, 28, 1]] {
            assert!(refusal(input, pool([1; 2], None)).contains("give [height, width, channels]"));
        }
    }

    #[test]
    fn the_largest_sizes_resolve() {
        let layers = vec![
            Layer::MaxPool2d { size: [1 << 20, 1], stride: None },
            Layer::Flatten {},
            Layer::Dense { units: 1 << 19, activation: Activation::Linear },
        ];
        let resolved = resolve(&Model { name: "huge".into(), input: [1 << 30, 1, 1], layers }).unwrap();
        assert_eq!(resolved[1].output, Shape::Features(1 << 10));
        assert_eq!(resolved[2].weights.as_ref().unwrap().values(), 1025 << 19);
    }
}
