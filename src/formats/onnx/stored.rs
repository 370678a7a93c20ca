//! Weights as ONNX files have them: a convolution's kernel is `[filters, C, KH, KW]` there, a depthwise one's
//! `[C * M, 1, KH, KW]`; all others are as they are.

use super::fields::{data_type, tensor};
use super::permuted::permuted;
use crate::formats::Tensor;
use crate::formats::protobuf::Message;
use crate::layers::Layer;
use crate::model::Resolved;
use crate::precision::Precision;

/// How a weight is stored.
pub struct Stored {
    /// `LAYER/kernel`; in less than 32 bits the name of what a node makes f32 of it, see [`Stored::initializer`].
    pub name: String,
    /// The shape in the file.
    pub shape: Vec<usize>,
    /// The weight's own shape, and the order of its axes in the file, where that is another.
    turned: Option<([usize; 4], [usize; 4])>,
}

impl Stored {
    /// All of a layer's weights.
    pub fn of(layer: &Resolved) -> impl Iterator<Item = Self> {
        layer.inferred.variables.iter().map(|variable| {
            let name = format!("{}/{}", layer.name, variable.kind.name());
            match (<[usize; 4]>::try_from(variable.shape.as_slice()), &layer.layer) {
                (Ok(own @ [height, width, channels, multiplier]), Layer::DepthwiseConv2d(_)) => {
                    let shape = vec![channels * multiplier, 1, height, width];
                    Self { name, shape, turned: Some((own, [2, 3, 0, 1])) }
                }
                (Ok(own @ [height, width, channels, filters]), Layer::Conv2d(_)) => {
                    Self { name, shape: vec![filters, channels, height, width], turned: Some((own, [3, 2, 0, 1])) }
                }
                (
                    _,
                    Layer::Conv2d(_)
                    | Layer::DepthwiseConv2d(_)
                    | Layer::Dense(_)
                    | Layer::BatchNormalization(_)
                    | Layer::MaxPool2d(_)
                    | Layer::AveragePool2d(_)
                    | Layer::GlobalAveragePool2d(_)
                    | Layer::GlobalMaxPool2d(_)
                    | Layer::Flatten(_)
                    | Layer::Dropout(_)
                    | Layer::Activation(_)
                    | Layer::Add(_)
                    | Layer::Concatenate(_)
                    | Layer::Rescaling(_),
                ) => Self { name, shape: variable.shape.clone(), turned: None },
            }
        })
    }

    /// What it is called in the file: `LAYER/kernel`, or `LAYER/kernel/bf16`.
    pub fn initializer(&self, precision: Precision) -> String {
        match precision {
            Precision::F32 => self.name.clone(),
            less => format!("{}/{}", self.name, less.name()),
        }
    }

    /// A weight in its own shape as an initializer.
    pub fn message(&self, weight: &Tensor, precision: Precision) -> Message {
        let name = self.initializer(precision);
        match self.turned {
            None => initializer(&name, &self.shape, &weight.values, precision),
            Some((own, order)) => {
                let values = permuted(|place| weight.values[place], &own, &order);
                initializer(&name, &self.shape, &values, precision)
            }
        }
    }

    /// The weight in its own shape, of what the file has.
    pub fn tensor(&self, values: Vec<f32>) -> Tensor {
        let name = self.name.clone();
        let Some((own, order)) = self.turned else { return Tensor { name, shape: self.shape.clone(), values } };
        let back = [0, 1, 2, 3].map(|axis| order.iter().position(|&other| other == axis).unwrap_or(axis));
        let values = permuted(|place| values[place], &order.map(|axis| own[axis]), &back);
        Tensor { name, shape: own.to_vec(), values }
    }
}

/// A tensor.
pub fn initializer(name: &str, shape: &[usize], values: &[f32], precision: Precision) -> Message {
    let dimensions = shape.iter().fold(Message::default(), |all, &size| all.number(tensor::DIMENSION, size as u64));
    let of_type = dimensions.number(tensor::DATA_TYPE, data_type(precision));
    of_type.text(tensor::NAME, name).bytes(tensor::RAW_DATA, &precision.encode(values))
}
