//! A network out of the datasets of an HDF5 file.

use serde_json::Value;

use super::contents::{Contents, Folded, Product};
use super::hdf5_reader::Reader;
use super::message::Found;
use super::optimizer::{self, FindPaths};
use super::variables::{Variable, variables};
use crate::formats::{Network, Tensor};
use crate::model::resolve;

/// How many times smaller than an array its bytes in the file may be: deflate's best is 1,032, for numbers of two bytes each.
const DENSEST: usize = 1032 / 2;

/// The contents' network. `paths` are where the file has each of the contents' arrays, `optimizer` is what it was compiled
/// with, as JSON, and `find` says where the file has its state.
pub fn network(
    reader: &Reader,
    mut contents: Contents,
    paths: &[String],
    optimizer: &Value,
    find: FindPaths,
) -> Found<Network> {
    let variables = variables(&resolve(&contents.model).map_err(|error| error.to_string())?);
    // Before memory is asked for them.
    let values: usize = variables.iter().map(|variable| variable.shape.iter().product::<usize>()).sum();
    if values / DENSEST > reader.length() {
        return Err(format!("its layers have {values} weights, more than the file has; save the model in Keras again"));
    }
    let mut tensors = Vec::new();
    for (product, pair) in contents.products.iter().zip(variables.chunks_exact(2)) {
        tensors.extend(product.read(reader, paths, pair)?);
    }
    let found = if contents.is_whole() { optimizer::state(reader, optimizer, find, &variables) } else { None };
    let state = found.map(|(state, kept)| {
        tensors.extend(kept);
        state
    });
    if state.is_none() && !optimizer.is_null() {
        contents.left_out.push(optimizer::name(optimizer));
    }
    Ok(Network {
        model: contents.model,
        tensors,
        optimizer: state,
        class_names: Vec::new(),
        left_out: contents.left_out,
    })
}

impl Product {
    /// Kernel and bias, with what is folded into them.
    fn read(&self, reader: &Reader, paths: &[String], variables: &[Variable]) -> Found<Vec<Tensor>> {
        let [kernel, bias] = variables else { return Err("a layer has more than kernel and bias".into()) };
        let in_file = self.kernel_shape.as_ref().unwrap_or(&kernel.shape);
        let mut kernel_values = reader.floats(&paths[self.kernel], in_file)?;
        let mut bias_values = match self.bias {
            Some(number) => reader.floats(&paths[number], &bias.shape)?,
            None => vec![0.0; bias.shape.iter().product()],
        };
        if let Some(folded) = &self.folded {
            folded.fold(reader, paths, &bias.shape, (&mut kernel_values, &mut bias_values))?;
        }
        Ok(vec![kernel.tensor(kernel_values), bias.tensor(bias_values)])
    }
}

impl Folded {
    /// Makes `kernel` and `bias` of a layer those of the layer and this normalisation:
    /// `(x - mean) * gamma / sqrt(variance + epsilon) + beta` of each column.
    fn fold(
        &self,
        reader: &Reader,
        paths: &[String],
        shape: &[usize],
        (kernel, bias): (&mut [f32], &mut [f32]),
    ) -> Found<()> {
        let columns = |number: usize| reader.floats(&paths[number], shape);
        let optional = |number: Option<usize>| number.map(columns).transpose();
        let (gamma, beta) = (optional(self.gamma)?, optional(self.beta)?);
        let (mean, variance) = (columns(self.mean)?, columns(self.variance)?);
        let of = |values: &Option<Vec<f32>>, column: usize, default: f64| {
            values.as_ref().map_or(default, |values| f64::from(values[column]))
        };
        for column in 0..bias.len() {
            let scale = of(&gamma, column, 1.0) / (f64::from(variance[column]) + self.epsilon).sqrt();
            for value in kernel.iter_mut().skip(column).step_by(bias.len()) {
                *value = (f64::from(*value) * scale) as f32;
            }
            let centred = f64::from(bias[column]) - f64::from(mean[column]);
            bias[column] = (centred * scale + of(&beta, column, 0.0)) as f32;
        }
        Ok(())
    }
}
