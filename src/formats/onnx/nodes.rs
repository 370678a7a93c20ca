//! A model as the nodes of an ONNX graph. ONNX' convolutions and pools want channels first; images come, and are
//! flattened, with channels last, as everywhere else in this program.
//!
//! The operators are those of <https://onnx.ai/onnx/operators/>.

use super::fields::{FLOAT, INTEGERS, attribute, kind, node, value_info};
use super::protobuf::Message;
use crate::error::{Error, Result};
use crate::formats::Tensor;
use crate::geometry::{Shape, Window};
use crate::layers::{Activation, Layer};
use crate::model::{Model, Resolved, resolve};

/// What a graph has beside its weights: nodes, input and output as messages.
pub struct Graph {
    pub nodes: Vec<Message>,
    pub input: Message,
    pub output: Message,
}

impl Graph {
    /// The graph from `images`, `[batch, H, W, C]`, to `probabilities`, `[batch, classes]`.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) where the model cannot be.
    pub fn of(model: &Model) -> Result<Self> {
        let about = "pixels / 255, channels last";
        let input = value("images", &model.input).text(value_info::DOCUMENTATION, about);
        let mut chain = Chain { nodes: Vec::new(), value: "images".into() };
        chain.transpose("images/channels_first", [0, 3, 1, 2]);
        // The value that each layer ends with, the images first.
        let mut ends = vec![chain.value.clone()];
        for layer in resolve(model)? {
            chain.value.clone_from(&ends[layer.inputs[0]]);
            chain.layer(&layer)?;
            ends.push(chain.value.clone());
        }
        chain.push("Softmax", "probabilities", &[], &[]);
        Ok(Self { nodes: chain.nodes, input, output: value("probabilities", &[model.classes()]) })
    }
}

/// Nodes, and the value that the last of them makes. A value is called as the node that makes it.
struct Chain {
    nodes: Vec<Message>,
    value: String,
}

impl Chain {
    fn layer(&mut self, layer: &Resolved) -> Result<()> {
        let Resolved { name, inferred, .. } = layer;
        let weights = [format!("{name}/kernel"), format!("{name}/bias")];
        let window = || inferred.window.ok_or_else(|| Error::Failed(format!("{name}: has no window")));
        match &layer.layer {
            Layer::Conv2d(_) => {
                let window = window()?;
                let pads = integers("pads", &pads(&window));
                self.push("Conv", name, &weights, &[size(&window), pads, stride(&window)]);
            }
            Layer::MaxPool2d(_) => {
                let window = window()?;
                self.push("MaxPool", name, &[], &[size(&window), stride(&window)]);
            }
            Layer::Dense(_) => self.push("Gemm", name, &weights, &[]),
            Layer::Flatten(_) => {
                if let Shape::Image(_) = layer.input {
                    self.transpose(&format!("{name}/channels_last"), [0, 2, 3, 1]);
                }
                self.push("Flatten", name, &[], &[]);
            }
            // For training only.
            Layer::Dropout(_) => {}
            // A node of its own, as other layers' activations are.
            Layer::Activation(_) => {}
            Layer::DepthwiseConv2d(_)
            | Layer::BatchNormalization(_)
            | Layer::AveragePool2d(_)
            | Layer::GlobalAveragePool2d(_)
            | Layer::GlobalMaxPool2d(_)
            | Layer::Add(_)
            | Layer::Concatenate(_)
            | Layer::Rescaling(_) => {
                let class = layer.layer.class_name();
                return Err(Error::Usage(format!("{name}: {class} cannot be written as ONNX yet; write safetensors")));
            }
        }
        match layer.layer.activation() {
            Activation::Relu => self.push("Relu", &format!("{name}/relu"), &[], &[]),
            // The softmax is the graph's end, whether the model has one or not.
            Activation::Linear | Activation::Softmax => {}
            Activation::Gelu
            | Activation::Silu
            | Activation::LeakyRelu
            | Activation::Elu
            | Activation::Tanh
            | Activation::Sigmoid => {
                return Err(Error::Usage(format!("{name}: its activation cannot be written as ONNX yet")));
            }
        }
        Ok(())
    }

    fn transpose(&mut self, name: &str, order: [usize; 4]) {
        self.push("Transpose", name, &[], &[integers("perm", &order)]);
    }

    /// A node of the value before and of the weights. Attributes that are not given have ONNX' defaults: the softmax is over
    /// the last axis, all but the first are flattened.
    fn push(&mut self, operator: &str, name: &str, weights: &[String], attributes: &[Message]) {
        let before = std::mem::replace(&mut self.value, name.to_owned());
        let inputs = std::iter::once(&before).chain(weights);
        let node = inputs.fold(Message::default(), |node, input| node.text(node::INPUT, input));
        let node = node.text(node::OUTPUT, name).text(node::NAME, name).text(node::OPERATOR, operator);
        self.nodes.push(node.messages(node::ATTRIBUTE, attributes));
    }
}

fn size(window: &Window) -> Message {
    integers("kernel_shape", &window.size)
}

fn stride(window: &Window) -> Message {
    integers("strides", &window.stride)
}

/// Zeros above, to the left, below and to the right.
fn pads(window: &Window) -> [usize; 4] {
    let [top, left] = window.pad;
    let after = |axis: usize| {
        let covered = (window.output[axis] - 1) * window.stride[axis] + window.size[axis];
        covered.saturating_sub(window.input[axis] + window.pad[axis])
    };
    [top, left, after(0), after(1)]
}

fn integers(name: &str, values: &[usize]) -> Message {
    let attribute = Message::default().text(attribute::NAME, name);
    let attribute = values.iter().fold(attribute, |all, &value| all.number(attribute::INTEGER, value as u64));
    attribute.number(attribute::TYPE, INTEGERS)
}

/// An input or output of f32, of that shape after the batch.
fn value(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().text(kind::PARAMETER, "batch");
    let sizes = shape.iter().map(|&size| Message::default().number(kind::SIZE, size as u64));
    let sizes: Vec<Message> = std::iter::once(batch).chain(sizes).collect();
    let tensor = Message::default().number(kind::ELEMENT, FLOAT);
    let tensor = tensor.message(kind::SHAPE, &Message::default().messages(kind::DIMENSION, &sizes));
    let kind = Message::default().message(kind::TENSOR, &tensor);
    Message::default().text(value_info::NAME, name).message(value_info::TYPE, &kind)
}

/// A convolution's kernel `[KH, KW, C, filters]` as ONNX has it, `[filters, C, KH, KW]`; any other weight as it is.
pub fn channels_first(weight: Tensor) -> Tensor {
    permuted(weight, [3, 2, 0, 1])
}

/// The inverse of [`channels_first`].
pub fn channels_last(weight: Tensor) -> Tensor {
    permuted(weight, [2, 3, 1, 0])
}

/// The tensor with its axes in this order, if it has four.
fn permuted(weight: Tensor, order: [usize; 4]) -> Tensor {
    let Ok(shape) = <[usize; 4]>::try_from(weight.shape.as_slice()) else { return weight };
    let steps = [shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1];
    let (sizes, steps) = (order.map(|axis| shape[axis]), order.map(|axis| steps[axis]));
    let mut values = Vec::with_capacity(weight.values.len());
    for first in 0..sizes[0] {
        for second in 0..sizes[1] {
            for third in 0..sizes[2] {
                let start = first * steps[0] + second * steps[1] + third * steps[2];
                values.extend((0..sizes[3]).map(|fourth| weight.values[start + fourth * steps[3]]));
            }
        }
    }
    Tensor { name: weight.name, shape: sizes.to_vec(), values }
}
