//! The arrays of a network in Keras' order: each layer's kernel, then its bias.

use crate::error::{Error, Result};
use crate::formats::{Network, SUFFIXES, Tensor};
use crate::model::Resolved;

/// What Adam's two moments of a tensor are called after the tensor's name.
pub const MOMENTS: [&str; 2] = [SUFFIXES[1], SUFFIXES[2]];

/// The kernel or the bias of a layer.
pub struct Variable {
    /// The layer's name as we would call it: `conv2d_1`.
    pub layer: String,
    /// `kernel` or `bias`.
    pub part: &'static str,
    pub shape: Vec<usize>,
}

impl Variable {
    /// The tensor's name in a [`Network`]: `conv2d_1.kernel`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.layer, self.part)
    }

    pub fn tensor(&self, values: Vec<f32>) -> Tensor {
        Tensor { name: self.name(), shape: self.shape.clone(), values }
    }

    /// Adam's two moments of this variable.
    pub fn moments(&self, values: [Vec<f32>; 2]) -> impl Iterator<Item = Tensor> {
        let tensor = |(values, moment)| Tensor { name: self.name() + moment, ..self.tensor(values) };
        values.into_iter().zip(MOMENTS).map(tensor)
    }

    /// The values of the network's tensor whose name is the variable's with `suffix` after it.
    ///
    /// # Errors
    /// [`Error::Failed`] where the network has no such tensor of this variable's shape.
    pub fn values<'a>(&self, network: &'a Network, suffix: &str) -> Result<&'a [f32]> {
        let name = self.name() + suffix;
        let found = network.tensors.iter().find(|tensor| tensor.name == name && tensor.shape == self.shape);
        found.map(|tensor| tensor.values.as_slice()).ok_or_else(|| {
            Error::Failed(format!("{}: has no tensor {name} of the shape {:?}", network.model.name, self.shape))
        })
    }
}

/// All variables of the layers.
pub fn variables(layers: &[Resolved]) -> Vec<Variable> {
    let of = |layer: &Resolved| {
        let weights = layer.inferred.weights.as_ref()?;
        let variable = |part, shape| Variable { layer: layer.name.clone(), part, shape };
        Some([variable("kernel", weights.kernel.clone()), variable("bias", vec![weights.columns])])
    };
    layers.iter().filter_map(of).flatten().collect()
}
