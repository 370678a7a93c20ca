//! Shape inference: what every layer puts out, and the weights it needs.

use super::{Activation, Layer, Model, Padding};
use crate::error::{Error, Result};

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
    if model.input.contains(&0) {
        return Err(Error::Usage(format!(
            "model '{}': input {:?} has a zero; give [H, W, C]",
            model.name, model.input
        )));
    }
    let mut shape = Shape::Image(model.input);
    let mut layers: Vec<Resolved> = Vec::new();
    for (index, layer) in model.layers.iter().enumerate() {
        let fail = |problem: String| {
            Error::Usage(format!("model '{}', layer {} ({}): {problem}", model.name, index + 1, kind(layer)))
        };
        let last = index + 1 == model.layers.len();
        let resolved = infer(name(layer, &layers), layer, shape, last).map_err(fail)?;
        shape = resolved.output;
        layers.push(resolved);
    }
    match model.layers.last() {
        Some(Layer::Dense { activation: Activation::Linear | Activation::Softmax, units: 2.. }) => Ok(layers),
        _ => Err(Error::Usage(format!(
            "model '{}': the last layer must be 'dense' with two classes or more and no activation but softmax",
            model.name
        ))),
    }
}

fn infer(name: String, layer: &Layer, input: Shape, last: bool) -> std::result::Result<Resolved, String> {
    let mut resolved = Resolved { name, layer: layer.clone(), input, output: input, weights: None, window: None };
    match *layer {
        Layer::Conv2d { filters, kernel, stride, padding, .. } => {
            let window = window(input, kernel, stride, padding)?;
            positive(filters, "filters")?;
            resolved.output = Shape::Image([window.output[0], window.output[1], filters]);
            let kernel = vec![kernel[0], kernel[1], window.input[2], filters];
            resolved.weights = Some(Weights { rows: kernel[..3].iter().product(), columns: filters, kernel });
            resolved.window = Some(window);
        }
        Layer::MaxPool2d { size, stride } => {
            let window = window(input, size, stride.unwrap_or(size), Padding::Valid)?;
            resolved.output = Shape::Image([window.output[0], window.output[1], window.input[2]]);
            resolved.window = Some(window);
        }
        Layer::Flatten {} => resolved.output = Shape::Features(input.values()),
        Layer::Dense { units, .. } => {
            let Shape::Features(features) = input else {
                return Err("its input is an image; put a 'flatten' layer before it".into());
            };
            positive(units, "units")?;
            resolved.output = Shape::Features(units);
            resolved.weights = Some(Weights { kernel: vec![features, units], rows: features, columns: units });
        }
        Layer::Dropout { rate } if !(0.0..1.0).contains(&rate) => {
            return Err(format!("rate {rate} is not in 0 <= rate < 1"));
        }
        Layer::Dropout { .. } | Layer::Activation { .. } => {}
    }
    if activation(layer) == Activation::Softmax && !last {
        return Err("softmax is part of the loss: only the last layer may have it".into());
    }
    Ok(resolved)
}

fn window(input: Shape, size: [usize; 2], stride: [usize; 2], padding: Padding) -> std::result::Result<Window, String> {
    match input {
        Shape::Image(image) => Window::new(image, size, stride, padding),
        Shape::Features(_) => Err("its input is flat; it needs an image [H, W, C]".into()),
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
        let mut window = Window { size, stride, pad: [0; 2], input, output: [0; 2] };
        for (axis, extent) in ["height", "width"].into_iter().enumerate() {
            positive(size[axis], "its window's size")?;
            positive(stride[axis], "its stride")?;
            let length = input[axis];
            window.output[axis] = match padding {
                Padding::Same => length.div_ceil(stride[axis]),
                Padding::Valid if size[axis] > length => {
                    return Err(format!(
                        "its window of {} is larger than its input's {extent} of {length}",
                        size[axis]
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

fn positive(value: usize, what: &str) -> std::result::Result<(), String> {
    if value == 0 { Err(format!("{what} must be 1 or more")) } else { Ok(()) }
}

/// The activation a layer applies to its output.
pub fn activation(layer: &Layer) -> Activation {
    match *layer {
        Layer::Conv2d { activation, .. } | Layer::Dense { activation, .. } | Layer::Activation { activation } => {
            activation
        }
        _ => Activation::Linear,
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
