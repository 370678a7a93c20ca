//! The arrays of a network in Keras' order: each layer's kernel, then its bias.

use std::collections::HashMap;

use crate::error::Result;
use crate::formats::{Network, Tensor};
use crate::model::Resolved;
use crate::optimizers::State;
use crate::plan::VariableSpec;

/// The kernel or the bias of a layer, or what it normalises by.
pub struct Variable {
    /// The layer's name.
    pub layer: String,
    /// `kernel`, `moving_mean`
    pub part: &'static str,
    pub shape: Vec<usize>,
    /// Where Keras 3 has the layer's arrays, which it counts by class: `layers/conv2d_1/vars`.
    pub group: String,
    /// Its number among them.
    pub number: usize,
    pub is_trained: bool,
}

impl Variable {
    /// The tensor's name in a [`Network`]: `conv2d_1.kernel`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.layer, self.part)
    }

    /// Where Keras 3 has it.
    pub fn path(&self) -> String {
        format!("{}/{}", self.group, self.number)
    }

    pub fn tensor(&self, values: Vec<f32>) -> Tensor {
        Tensor { name: self.name(), shape: self.shape.clone(), values }
    }

    /// What an optimizer keeps of this variable.
    pub fn state(&self, state: &State, values: Vec<f32>) -> Tensor {
        Tensor { name: self.state_name(state), ..self.tensor(values) }
    }

    fn state_name(&self, state: &State) -> String {
        format!("{}.{}", self.name(), state.name)
    }

    /// The values of the network's tensor of this variable.
    ///
    /// # Errors
    /// See [`Network::values`].
    pub fn values<'a>(&self, network: &'a Network) -> Result<&'a [f32]> {
        network.values(&self.name(), &self.shape)
    }

    /// The values of the network's tensor of an optimizer's state of this variable.
    ///
    /// # Errors
    /// See [`Network::values`].
    pub fn state_values<'a>(&self, network: &'a Network, state: &State) -> Result<&'a [f32]> {
        network.values(&self.state_name(state), &self.shape)
    }
}

/// All variables of the layers.
pub fn variables(layers: &[Resolved]) -> Vec<Variable> {
    let mut counts = HashMap::new();
    let mut variables = Vec::new();
    for layer in layers.iter().filter(|layer| !layer.inferred.variables.is_empty()) {
        let class = layer.layer.operation().keys().automatic_name;
        let count: &mut usize = counts.entry(class).or_default();
        let group = if *count == 0 { format!("layers/{class}/vars") } else { format!("layers/{class}_{count}/vars") };
        *count += 1;
        let variable = |(number, (one, is_trained)): (usize, (&VariableSpec, bool))| Variable {
            layer: layer.name.clone(),
            part: one.kind.name(),
            shape: one.shape.clone(),
            group: group.clone(),
            number,
            is_trained,
        };
        variables.extend(layer.variables().enumerate().map(variable));
    }
    variables
}
