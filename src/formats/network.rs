//! What each exchange format carries: a network, apart from the run that trained it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::Tensor;
use crate::data::check_class_names;
use crate::error::{Error, Result};
use crate::layers::{Activate, Activation, Layer};
use crate::model::{Model, Resolved, resolve};
use crate::optimizers::Optimizer;
use crate::plan::VariableSpec;
use crate::precision::Precision;

/// A network with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub model: Model,
    /// `LAYER.kernel` and `LAYER.bias` of each layer with weights, in Keras' shapes: `[height, width, channels,
    /// filters]` or `[inputs, units]`, and `[units]`. With [`Network::optimizer`], each of its states of each of them
    /// too: the same names with a dot and the state's name after them, as in `conv2d.kernel.first_moment`.
    pub tensors: Vec<Tensor>,
    /// What continues the training, where it is known.
    pub optimizer: Option<OptimizerState>,
    /// One for each class; empty where they are not known.
    pub class_names: Vec<String>,
    /// In words, what a file has beside the weights that only training knows of, and training here leaves out: regularizers,
    /// augmentation, an optimizer that is none of ours. The network predicts the same without.
    pub left_out: Vec<String>,
}

/// An optimizer on its way: what it has beside the states of the variables.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState {
    pub optimizer: Optimizer,
    pub learning_rate: f64,
    /// Steps done: the optimizer's t.
    pub iterations: u32,
}

/// What files that only hold tensors say of a network, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct About {
    pub model: Model,
    #[serde(default)]
    pub class_names: Vec<String>,
}

/// The longest such text that is read.
const LONGEST_ABOUT: usize = 1 << 24;

impl About {
    /// Reads what [`Network::about`] wrote.
    pub fn parse(text: &[u8]) -> std::result::Result<Self, String> {
        if text.len() > LONGEST_ABOUT {
            return Err(format!("its metadata is longer than {LONGEST_ABOUT} bytes"));
        }
        serde_json::from_slice(text).map_err(|error| format!("its metadata is garbled ({error})").replace('\n', " "))
    }
}

impl Network {
    /// A model with these weights and nothing else that is known of it.
    pub fn new(model: Model, tensors: Vec<Tensor>) -> Self {
        Self { model, tensors, optimizer: None, class_names: Vec::new(), left_out: Vec::new() }
    }

    /// The network with the names of `model`'s layers, if it is that model but for names and a softmax at the end; else as it
    /// is.
    #[must_use]
    pub fn named_as(mut self, model: &Model) -> Self {
        let (Ok(own), Ok(other)) = (resolve(&self.model), resolve(model)) else { return self };
        let (own, other) = (without_softmax(&own), without_softmax(&other));
        let is_same = |(own, other): (&Resolved, &Resolved)| (&own.layer, &own.inputs) == (&other.layer, &other.inputs);
        if self.model.input != model.input || own.len() != other.len() || !own.iter().zip(other).all(is_same) {
            return self;
        }
        let names = own.iter().zip(other).map(|(own, other)| (own.name.as_str(), other.name.as_str()));
        let names: HashMap<&str, &str> = names.collect();
        for tensor in &mut self.tensors {
            if let Some((layer, part)) = tensor.name.split_once('.')
                && let Some(name) = names.get(layer)
            {
                tensor.name = format!("{name}.{part}");
            }
        }
        self.model.layers.clone_from(&model.layers);
        self
    }

    /// The network with its weights, but not an optimizer's states, rounded to what a file of that precision keeps.
    ///
    /// # Errors
    /// [`Error::Usage`] where a weight is beyond the largest such number.
    pub fn rounded(&self, precision: Precision) -> Result<Cow<'_, Self>> {
        if precision == Precision::F32 {
            return Ok(Cow::Borrowed(self));
        }
        let mut network = self.clone();
        let is_weight = |tensor: &Tensor| tensor.name.split('.').count() == 2;
        for Tensor { name, values, .. } in network.tensors.iter_mut().filter(|tensor| is_weight(tensor)) {
            for value in values {
                let rounded = precision.rounded(*value);
                if rounded.is_infinite() && value.is_finite() {
                    let problem = format!("`precision` {}: {name} has a weight of {value}", precision.name());
                    return Err(Error::Usage(format!("{problem}, beyond the largest such number; give another")));
                }
                *value = rounded;
            }
        }
        Ok(Cow::Owned(network))
    }

    /// Refuses a model that cannot be, and tensors or class names that are not the model's.
    ///
    /// # Errors
    /// [`Error::Data`] in the words `NAME: problem; remedy`.
    pub fn check(&self, name: &str) -> Result<()> {
        let fail =
            |problem: String| Error::Data(format!("{name}: {problem}; give a file whose weights are its model's"));
        self.model.check().map_err(|error| Error::Data(format!("{name}: {error}")))?;
        let states = self.optimizer.iter().flat_map(|state| state.optimizer.states());
        let states: Vec<String> = states.map(|state| format!(".{}", state.name)).collect();
        let parts = parts(&self.model)?;
        let tensors = parts.iter().flat_map(|(layer, variable, is_trained)| {
            let states = if *is_trained { states.as_slice() } else { &[] };
            let suffixes = [""].into_iter().chain(states.iter().map(String::as_str));
            suffixes.map(move |suffix| (format!("{layer}.{}{suffix}", variable.kind.name()), variable.shape.as_slice()))
        });
        let expected: Vec<(String, &[usize])> = tensors.collect();
        let names: HashSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(tensor) = self.tensors.iter().find(|tensor| !names.contains(tensor.name.as_str())) {
            return Err(fail(format!("has a tensor {}, which no layer of the model has", tensor.name)));
        }
        if self.tensors.len() > expected.len() {
            return Err(fail("has a tensor twice".into()));
        }
        for (name, shape) in &expected {
            Tensor::find(&self.tensors, name, shape).map_err(fail)?;
        }
        let (names, classes) = (self.class_names.len(), self.model.classes());
        if names != 0 && names != classes {
            return Err(fail(format!("has {names} class names for {classes} classes")));
        }
        check_class_names(&self.class_names).map_err(fail)
    }

    /// The weights without the optimizer's states, layer by layer, as programs beside Keras name them: `LAYER/kernel`
    /// and `LAYER/bias`.
    ///
    /// # Errors
    /// [`Error::Failed`] where one is missing.
    pub fn weights(&self) -> Result<Vec<Tensor>> {
        let weights = |(layer, VariableSpec { kind, shape, .. }, _): (String, VariableSpec, bool)| {
            let part = kind.name();
            let values = Tensor::find(&self.tensors, &format!("{layer}.{part}"), &shape);
            let values = values.map_err(|problem| Error::Failed(format!("{}: {problem}", self.model.name)))?;
            Ok(Tensor { name: format!("{layer}/{part}"), shape, values: values.to_vec() })
        };
        parts(&self.model)?.into_iter().map(weights).collect()
    }

    /// What [`About`] says of this network, as a text.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub(super) fn about(&self) -> Result<String> {
        let about = About { model: self.model.clone(), class_names: self.class_names.clone() };
        serde_json::to_string(&about).map_err(|error| Error::Failed(format!("the model cannot be written: {error}")))
    }

    /// The network of weights named as [`Network::weights`] names them.
    pub(super) fn of(About { model, class_names }: About, mut weights: Vec<Tensor>) -> Self {
        for weight in &mut weights {
            weight.name = weight.name.replacen('/', ".", 1);
        }
        Self { model, tensors: weights, optimizer: None, class_names, left_out: Vec::new() }
    }
}

/// The layers but for a softmax of its own at the end, which is part of the loss.
fn without_softmax(layers: &[Resolved]) -> &[Resolved] {
    match layers.split_last() {
        Some((last, before)) if last.layer == Layer::Activation(Activate::new(Activation::Softmax)) => before,
        _ => layers,
    }
}

/// All variables, layer by layer: the layer's name, what it is, and whether it is trained.
fn parts(model: &Model) -> Result<Vec<(String, VariableSpec, bool)>> {
    let layers = resolve(model)?;
    let of = |layer: &Resolved| {
        let part = |(one, is_trained): (&VariableSpec, bool)| (layer.name.clone(), one.clone(), is_trained);
        layer.variables().map(part).collect::<Vec<_>>()
    };
    Ok(layers.iter().flat_map(of).collect())
}

/// A model's name that folders and Keras' graphs allow: letters and digits, `_`, `-` and `.`, at most 100.
pub fn plain(name: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let plain: String = name.chars().take(100).map(|letter| if allowed(letter) { letter } else { '_' }).collect();
    let plain = plain.trim_start_matches(['.', '_', '-']);
    if plain.is_empty() { "model".into() } else { plain.into() }
}
