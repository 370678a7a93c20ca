//! Between the device's buffers and a checkpoint's tensors: kernels and biases apart, in Keras' shapes.

use std::path::Path;

use super::Engine;
use crate::error::{Error, Result};
use crate::formats::{KINDS, Tensor};
use crate::plan::{BufferId, Parameter};

fn buffers(parameter: &Parameter) -> [BufferId; 3] {
    [parameter.weights, parameter.first_moment, parameter.second_moment]
}

/// Weights and moments as tensors.
///
/// # Errors
/// [`Error::Diverged`] where one is not a finite number: such weights are good for nothing and must not replace others.
pub fn take(engine: &mut Engine) -> Result<Vec<Tensor>> {
    let mut tensors = Vec::new();
    for parameter in engine.plan().parameters.clone() {
        let Parameter { layer, shape, .. } = &parameter;
        for (kind, buffer) in KINDS.iter().zip(buffers(&parameter)) {
            let mut values = engine.read(buffer)?;
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                let problem = format!("a weight{kind} of {layer} is {value} after step {}", engine.time);
                return Err(Error::Diverged(format!("{problem}; try a smaller --learning-rate")));
            }
            let bias = values.split_off(shape.rows * shape.columns);
            tensors.push(Tensor { name: format!("{layer}.kernel{kind}"), shape: shape.kernel.clone(), values });
            tensors.push(Tensor { name: format!("{layer}.bias{kind}"), shape: vec![shape.columns], values: bias });
        }
    }
    Ok(tensors)
}

/// Puts weights that were read from `path` into the engine, and Adam's moments where `moments`.
///
/// # Errors
/// [`Error::Data`] naming the first tensor that is missing, of another shape, or in no layer of the model.
pub fn put(engine: &mut Engine, tensors: &[Tensor], path: &Path, moments: bool) -> Result<()> {
    let fail = |problem: String| {
        let path = path.display();
        Error::Data(format!("{path}: {problem}; give a checkpoint of the same model, or the --model it is of"))
    };
    let find = |name: &str, shape: &[usize]| Tensor::find(tensors, name, shape).map_err(fail);
    let parameters = engine.plan().parameters.clone();
    let mut read = Vec::new();
    for parameter in &parameters {
        let Parameter { layer, shape, .. } = parameter;
        for (kind, buffer) in KINDS.iter().zip(buffers(parameter)).take(if moments { 3 } else { 1 }) {
            let kernel = find(&format!("{layer}.kernel{kind}"), &shape.kernel)?;
            let bias = find(&format!("{layer}.bias{kind}"), &[shape.columns])?;
            read.push((buffer, [kernel, bias].concat()));
        }
    }
    let known = |name: &str| parameters.iter().any(|parameter| name.split('.').next() == Some(&parameter.layer));
    if let Some(tensor) = tensors.iter().find(|tensor| !known(&tensor.name)) {
        return Err(fail(format!("has a tensor {}, the model has no such layer", tensor.name)));
    }
    for (buffer, values) in read {
        engine.write(buffer, &values);
    }
    Ok(())
}
