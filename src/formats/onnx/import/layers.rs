//! The layers that a file's nodes become, with their weights.

use std::collections::BTreeMap;

use super::file::REMEDY;
use super::view::Axes;
use crate::formats::onnx::shown::Found;
use crate::formats::{Network, Tensor};
use crate::geometry::Shape;
use crate::layers::{Activation, BatchNormalization, Conv2d, Dense, DepthwiseConv2d, Inferred, Layer};
use crate::model::{MOST_LAYERS, Model, Node, resolve};
use crate::plan::VariableKind;

/// Bytes of weights that a small file may have more than itself: those that several layers share stand in it once.
const SPARE: usize = 1 << 16;

/// A weight of a layer, in its own shape.
pub struct Weight {
    pub kind: VariableKind,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// A layer and what it reads: 0 is the images, n + 1 the output of layer n.
pub struct Built {
    pub layer: Layer,
    inputs: Vec<usize>,
    pub weights: Vec<Weight>,
}

pub struct Layers {
    built: Vec<Built>,
    /// The shapes and axes of the images and of all layers' outputs.
    values: Vec<(Shape, Axes)>,
    /// Bytes that weights may still take.
    spare: usize,
}

impl Layers {
    /// Over images of that shape, of a file of so many bytes.
    pub fn over(image: [usize; 3], length: usize) -> Self {
        let values = vec![(Shape::Image(image), Axes::image(image))];
        Self { built: Vec::new(), values, spare: length.saturating_mul(4).saturating_add(SPARE) }
    }

    pub fn axes(&self, value: usize) -> &Axes {
        &self.values[value].1
    }

    /// The layer that a value is of, which no image is.
    pub fn of(&mut self, value: usize) -> Option<&mut Built> {
        self.built.get_mut(value.checked_sub(1)?)
    }

    /// Room for so many more values of weights, which the file must pay for.
    pub fn pay(&mut self, values: usize) -> Found<()> {
        let left = values.checked_mul(size_of::<f32>()).and_then(|bytes| self.spare.checked_sub(bytes));
        self.spare = left.ok_or_else(|| format!("it makes more weights than the file has; {REMEDY}"))?;
        Ok(())
    }

    /// Adds a layer; its output, which has the axes of its input where those are given.
    pub fn push(&mut self, layer: Layer, inputs: &[usize], weights: Vec<Weight>, axes: Option<Axes>) -> Found<usize> {
        if self.built.len() == MOST_LAYERS {
            return Err(format!("it makes more than {MOST_LAYERS} layers; give a smaller network"));
        }
        let shapes: Vec<Shape> = inputs.iter().map(|&input| self.values[input].0).collect();
        let Inferred { output, variables, .. } = layer.operation().infer(&shapes)?;
        for (variable, weight) in variables.iter().zip(&weights) {
            if variable.shape != weight.shape {
                let (own, part, shape) = (&weight.shape, weight.kind.name(), &variable.shape);
                return Err(format!("its {part} has the shape {own:?} where {shape:?} fits; {REMEDY}"));
            }
        }
        if variables.len() != weights.len() {
            return Err(format!("it has {} weights where {} fit; {REMEDY}", weights.len(), variables.len()));
        }
        let axes = axes.unwrap_or(match output {
            Shape::Image(image) => Axes::image(image),
            Shape::Features(features) => Axes::features(features),
        });
        self.values.push((output, axes));
        self.built.push(Built { layer, inputs: inputs.to_vec(), weights });
        Ok(self.built.len())
    }

    /// The value that a last layer's output is, where that layer is for training only.
    pub fn without_dropout(&self, value: usize) -> usize {
        match value.checked_sub(1).map(|index| &self.built[index]) {
            Some(built) if built.layer.operation().rules().only_trains => self.without_dropout(built.inputs[0]),
            _ => value,
        }
    }

    /// The network that ends in that value, of the layers that it needs.
    pub fn network(self, name: &str, image: [usize; 3], last: usize, left_out: Vec<String>) -> Found<Network> {
        let mut needed = vec![false; self.built.len() + 1];
        needed[last] = true;
        for value in (1..=last).rev() {
            if needed[value] {
                self.built[value - 1].inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        let mut names = vec!["input".to_owned()];
        let mut before = 0;
        let mut counts = BTreeMap::new();
        let mut model = Model { name: name.to_owned(), input: image, layers: Vec::new() };
        let mut tensors = Vec::new();
        for (index, Built { layer, inputs, weights }) in self.built.into_iter().enumerate() {
            names.push(String::new());
            if !needed[index + 1] {
                continue;
            }
            let automatic = layer.operation().keys().automatic_name;
            let count = counts.entry(automatic).or_insert(0);
            let number = if *count == 0 { String::new() } else { format!("_{count}") };
            *count += 1;
            names[index + 1] = format!("{automatic}{number}");
            tensors.extend(weights.into_iter().map(|weight| Tensor {
                name: format!("{}.{}", names[index + 1], weight.kind.name()),
                shape: weight.shape,
                values: weight.values,
            }));
            let is_next = inputs == [before];
            let inputs = if is_next { Vec::new() } else { inputs.iter().map(|&input| names[input].clone()).collect() };
            model.layers.push(Node { inputs, ..Node::from(layer) });
            before = index + 1;
        }
        resolve(&model).map_err(|error| error.to_string())?;
        Ok(Network { left_out, ..Network::new(model, tensors) })
    }
}

impl Built {
    /// Whether its output is one weight's multiple plus another, and nothing else.
    pub fn is_linear(&mut self) -> bool {
        self.factor_and_term().is_some()
    }

    /// These two kinds of weights, and whether it has the second.
    fn factor_and_term(&mut self) -> Option<(VariableKind, VariableKind, &mut bool)> {
        if self.layer.activation() != Activation::Linear {
            return None;
        }
        match &mut self.layer {
            Layer::Conv2d(Conv2d { use_bias, .. })
            | Layer::DepthwiseConv2d(DepthwiseConv2d { use_bias, .. })
            | Layer::Dense(Dense { use_bias, .. }) => Some((VariableKind::Kernel, VariableKind::Bias, use_bias)),
            Layer::BatchNormalization(BatchNormalization { center, scale: true, .. }) => {
                Some((VariableKind::Gamma, VariableKind::Beta, center))
            }
            Layer::BatchNormalization(_)
            | Layer::MaxPool2d(_)
            | Layer::AveragePool2d(_)
            | Layer::GlobalAveragePool2d(_)
            | Layer::GlobalMaxPool2d(_)
            | Layer::Flatten(_)
            | Layer::Dropout(_)
            | Layer::Activation(_)
            | Layer::Add(_)
            | Layer::Concatenate(_)
            | Layer::Rescaling(_) => None,
        }
    }

    /// Makes its output, of so many channels, `scale * output + offset`, where it is linear.
    pub fn scale(&mut self, channels: usize, scale: impl Fn(usize) -> f64, offset: impl Fn(usize) -> f64) {
        let Some((factor, term, has_term)) = self.factor_and_term() else { return };
        *has_term = true;
        if !self.weights.iter().any(|weight| weight.kind == term) {
            let values = vec![0.0; channels];
            self.weights.insert(1, Weight { kind: term, shape: vec![channels], values });
        }
        for weight in &mut self.weights {
            let offset = |channel| if weight.kind == term { offset(channel) } else { 0.0 };
            if weight.kind != term && weight.kind != factor {
                continue;
            }
            // The channels are the last axis, of a depthwise kernel the last two.
            for (place, value) in weight.values.iter_mut().enumerate() {
                let channel = place % channels;
                *value = (f64::from(*value) * scale(channel) + offset(channel)) as f32;
            }
        }
    }
}
