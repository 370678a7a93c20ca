//! The arrays of a network in Keras' order: each layer's kernel, then its bias.

use crate::error::{Error, Result};
use crate::formats::{Network, Tensor};
use crate::model::Resolved;
use crate::optimizers::State;
use crate::plan::VariableSpec;

/// The kernel or the bias of a layer.
pub struct Variable {
    /// The layer's name as we would call it: `conv2d_1`.
    pub layer: String,
    /// `kernel` or `bias`.
    pub part: &'static str,
    pub shape: Vec<usize>,
    pub is_trained: bool,
}

impl Variable {
    /// The tensor's name in a [`Network`]: `conv2d_1.kernel`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.layer, self.part)
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
    /// [`Error::Failed`] where the network has no such tensor of this variable's shape.
    pub fn values<'a>(&self, network: &'a Network) -> Result<&'a [f32]> {
        self.find(network, self.name())
    }

    /// The values of the network's tensor of an optimizer's state of this variable.
    ///
    /// # Errors
    /// See [`Self::values`].
    pub fn state_values<'a>(&self, network: &'a Network, state: &State) -> Result<&'a [f32]> {
        self.find(network, self.state_name(state))
    }

    fn find<'a>(&self, network: &'a Network, name: String) -> Result<&'a [f32]> {
        let found = network.tensors.iter().find(|tensor| tensor.name == name && tensor.shape == self.shape);
        found.map(|tensor| tensor.values.as_slice()).ok_or_else(|| {
            Error::Failed(format!("{}: has no tensor {name} of the shape {:?}", network.model.name, self.shape))
        })
    }
}

/// All variables of the layers.
pub fn variables(layers: &[Resolved]) -> Vec<Variable> {
    let of = |layer: &Resolved| {
        let name = layer.name.clone();
        let variables = layer.inferred.variables.clone().into_iter();
        variables.map(move |VariableSpec { kind, shape, .. }| Variable {
            layer: name.clone(),
            part: kind.name(),
            shape,
            is_trained: kind.is_trainable(),
        })
    };
    layers.iter().flat_map(of).collect()
}
