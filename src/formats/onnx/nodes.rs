//! A model as the nodes of an ONNX graph. ONNX' convolutions and pools want channels first; images come, and are
//! flattened, with channels last, as everywhere else in this program.
//!
//! The operators are those of <https://onnx.ai/onnx/operators/>.

use super::fields::{FLOAT, value_info};
use super::messages::{float, integer, integers, node, value};
use super::stored::{Stored, initializer};
use crate::error::{Error, Result};
use crate::formats::protobuf::Message;
use crate::geometry::{Shape, Window};
use crate::layers::{Activate, Activation, BatchNormalization, Layer, Rescaling};
use crate::model::{Model, Resolved, resolve};
use crate::plan::VariableKind;
use crate::precision::Precision;

/// What a graph is: nodes, what they need beside the weights, input and output as messages.
pub struct Graph {
    pub nodes: Vec<Message>,
    pub weights: Vec<Stored>,
    /// Initializers that follow from the model: a `rescaling`'s scale, say.
    pub constants: Vec<Message>,
    pub input: Message,
    pub output: Message,
}

impl Graph {
    /// The graph from `images`, `[batch, H, W, C]`, to `probabilities`, `[batch, classes]`, all of it in f32: weights that
    /// are stored in less are cast when they are read.
    ///
    /// # Errors
    /// [`Error::Usage`] where the model cannot be.
    pub fn of(model: &Model, precision: Precision) -> Result<Self> {
        let about = "pixels / 255, channels last";
        let input = value("images", &model.input).text(value_info::DOCUMENTATION, about);
        let mut nodes = Nodes { nodes: Vec::new(), constants: Vec::new(), value: "images".into() };
        nodes.transpose("images/channels_first", [0, 3, 1, 2]);
        // The value that each layer ends with, the images first.
        let mut ends = vec![nodes.value.clone()];
        let mut weights = Vec::new();
        for layer in resolve(model)? {
            let inputs: Vec<&str> = layer.inputs.iter().map(|&input| ends[input].as_str()).collect();
            let own: Vec<Stored> = Stored::of(&layer).collect();
            nodes.casts(&own, precision);
            nodes.layer(&layer, &inputs)?;
            nodes.activation(&layer);
            weights.extend(own);
            ends.push(nodes.value.clone());
        }
        nodes.push("Softmax", "probabilities", &[], &[]);
        let Nodes { nodes, constants, .. } = nodes;
        Ok(Self { nodes, weights, constants, input, output: value("probabilities", &[model.classes()]) })
    }
}

struct Nodes {
    nodes: Vec<Message>,
    constants: Vec<Message>,
    /// What the next node reads, if nothing else is said: what the last one made.
    value: String,
}

impl Nodes {
    /// The layer without its activation.
    fn layer(&mut self, layer: &Resolved, inputs: &[&str]) -> Result<()> {
        let Resolved { name, inferred, .. } = layer;
        inputs[0].clone_into(&mut self.value);
        let weight = |kind: VariableKind| {
            let has = inferred.variables.iter().any(|variable| variable.kind == kind);
            has.then(|| format!("{name}/{}", kind.name()))
        };
        let products: Vec<String> = [VariableKind::Kernel, VariableKind::Bias].into_iter().filter_map(weight).collect();
        let window = || inferred.window.ok_or_else(|| Error::Failed(format!("{name}: has no window")));
        match &layer.layer {
            Layer::Conv2d(_) => self.push("Conv", name, &products, &convolution(&window()?)),
            Layer::DepthwiseConv2d(_) => {
                let window = window()?;
                let group = integer("group", window.input[2]);
                self.push("Conv", name, &products, &[convolution(&window), vec![group]].concat());
            }
            Layer::MaxPool2d(_) => self.push("MaxPool", name, &[], &pool(&window()?)),
            Layer::AveragePool2d(_) => self.push("AveragePool", name, &[], &pool(&window()?)),
            Layer::GlobalAveragePool2d(_) => self.global("GlobalAveragePool", name),
            Layer::GlobalMaxPool2d(_) => self.global("GlobalMaxPool", name),
            Layer::Dense(_) => self.push("Gemm", name, &products, &[]),
            Layer::Flatten(_) => {
                if let Shape::Image(_) = layer.input {
                    self.transpose(&format!("{name}/channels_last"), [0, 2, 3, 1]);
                }
                self.push("Flatten", name, &[], &[]);
            }
            Layer::BatchNormalization(normalization) => {
                let channels = layer.input.channels();
                let mut or_all = |kind, value: f32| {
                    weight(kind).unwrap_or_else(|| self.constant(&format!("{name}/{value}"), &[channels], value))
                };
                let [gamma, beta] = [or_all(VariableKind::Gamma, 1.0), or_all(VariableKind::Beta, 0.0)];
                let moving = [VariableKind::MovingMean, VariableKind::MovingVariance].into_iter().filter_map(weight);
                let weights: Vec<String> = [gamma, beta].into_iter().chain(moving).collect();
                let BatchNormalization { epsilon, momentum, .. } = *normalization;
                let attributes = [float("epsilon", epsilon as f32), float("momentum", momentum as f32)];
                self.push("BatchNormalization", name, &weights, &attributes);
            }
            Layer::Add(_) => {
                let operator = if inputs.len() == 2 { "Add" } else { "Sum" };
                self.add(operator, name, inputs, &[]);
            }
            Layer::Concatenate(_) => self.add("Concat", name, inputs, &[integer("axis", 1)]),
            Layer::Rescaling(Rescaling { scale, offset }) => {
                self.by("Mul", &format!("{name}/scaled"), *scale as f32);
                self.by("Add", name, *offset as f32);
            }
            // For training only.
            Layer::Dropout(_) => {}
            // A node of its own, as other layers' activations are.
            Layer::Activation(_) => {}
        }
        Ok(())
    }

    fn activation(&mut self, layer: &Resolved) {
        let own = match &layer.layer {
            Layer::Activation(activate) => activate.clone(),
            layer => Activate::new(layer.activation()),
        };
        let name = &layer.name;
        let input = self.value.clone();
        match own.activation {
            // The softmax is the graph's end, whether the model has one or not.
            Activation::Linear | Activation::Softmax => {}
            Activation::Relu => match own.max_value {
                None => self.push("Relu", &format!("{name}/relu"), &[], &[]),
                Some(most) => {
                    let name = format!("{name}/relu");
                    let bounds = [("min", 0.0), ("max", most)]
                        .map(|(bound, value)| self.constant(&format!("{name}/{bound}"), &[], value));
                    self.push("Clip", &name, &bounds, &[]);
                }
            },
            // x / 2 * (1 + erf(x / sqrt(2)))
            Activation::Gelu => {
                let part = |part: &str| format!("{name}/gelu/{part}");
                self.by("Mul", &part("scaled"), std::f32::consts::FRAC_1_SQRT_2);
                self.push("Erf", &part("erf"), &[], &[]);
                self.by("Add", &part("twice"), 1.0);
                self.by("Mul", &part("share"), 0.5);
                self.push("Mul", &format!("{name}/gelu"), &[input], &[]);
            }
            Activation::Silu => {
                self.push("Sigmoid", &format!("{name}/silu/sigmoid"), &[], &[]);
                self.push("Mul", &format!("{name}/silu"), &[input], &[]);
            }
            Activation::LeakyRelu => {
                let slope = float("alpha", own.negative_slope.unwrap_or(Activate::NEGATIVE_SLOPE));
                self.push("LeakyRelu", &format!("{name}/leaky_relu"), &[], &[slope]);
            }
            Activation::Elu => {
                self.push("Elu", &format!("{name}/elu"), &[], &[float("alpha", own.alpha.unwrap_or(Activate::ALPHA))])
            }
            Activation::Tanh => self.push("Tanh", &format!("{name}/tanh"), &[], &[]),
            Activation::Sigmoid => self.push("Sigmoid", &format!("{name}/sigmoid"), &[], &[]),
        }
    }

    /// What makes f32 of weights that are stored in less.
    fn casts(&mut self, weights: &[Stored], precision: Precision) {
        if precision != Precision::F32 {
            let cast = |stored: &Stored| {
                node("Cast", &[&stored.initializer(precision)], &stored.name, &[integer("to", FLOAT as usize)])
            };
            self.nodes.extend(weights.iter().map(cast));
        }
    }

    fn transpose(&mut self, name: &str, order: [usize; 4]) {
        self.push("Transpose", name, &[], &[integers("perm", &order)]);
    }

    /// `[N, C]` of a pool that leaves `[N, C, 1, 1]`.
    fn global(&mut self, operator: &str, name: &str) {
        self.push(operator, &format!("{name}/pooled"), &[], &[]);
        self.push("Flatten", name, &[], &[]);
    }

    /// A node of the value before and of a number.
    fn by(&mut self, operator: &str, name: &str, number: f32) {
        let number = self.constant(&format!("{name}/by"), &[], number);
        self.push(operator, name, &[number], &[]);
    }

    /// The name of a constant of nothing but that value.
    fn constant(&mut self, name: &str, shape: &[usize], value: f32) -> String {
        self.constants.push(initializer(name, shape, &vec![value; shape.iter().product()], Precision::F32));
        name.to_owned()
    }

    /// A node of the value before and of others. Attributes that are not given have ONNX' defaults: the softmax is
    /// over the last axis, all but the first are flattened.
    fn push(&mut self, operator: &str, name: &str, others: &[String], attributes: &[Message]) {
        let before = self.value.clone();
        let inputs: Vec<&str> = std::iter::once(&before).chain(others).map(String::as_str).collect();
        self.add(operator, name, &inputs, attributes);
    }

    fn add(&mut self, operator: &str, name: &str, inputs: &[&str], attributes: &[Message]) {
        self.nodes.push(node(operator, inputs, name, attributes));
        name.clone_into(&mut self.value);
    }
}

fn convolution(window: &Window) -> Vec<Message> {
    vec![size(window), integers("pads", &pads(window)), stride(window)]
}

/// An average is of what lies in the image, by ONNX' default.
fn pool(window: &Window) -> Vec<Message> {
    let pads = pads(window);
    let around = (pads != [0; 4]).then(|| integers("pads", &pads));
    [size(window), stride(window)].into_iter().chain(around).collect()
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
