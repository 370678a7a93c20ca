//! Between the device's buffers and a checkpoint's tensors: kernels and biases apart, in Keras' shapes.

use std::path::Path;

use super::Engine;
use crate::error::{Error, Result};
use crate::formats::{SUFFIXES, Tensor};
use crate::plan::{BufferId, Parameter};

/// The matrices `[rows + 1, columns]` of all layers with weights, in the plan's order; the last row is the bias.
pub type Matrices = Vec<Vec<f32>>;

/// One of the three buffers that a layer keeps.
#[derive(Clone, Copy)]
pub struct Kind {
    /// What follows the names of its tensors.
    suffix: &'static str,
    buffer: fn(&Parameter) -> BufferId,
}

pub const WEIGHTS: Kind = Kind { suffix: SUFFIXES[0], buffer: |parameter| parameter.weights };
/// Weights, then Adam's moments of them.
const KINDS: [Kind; 3] = [
    WEIGHTS,
    Kind { suffix: SUFFIXES[1], buffer: |parameter| parameter.first_moment },
    Kind { suffix: SUFFIXES[2], buffer: |parameter| parameter.second_moment },
];

/// Reads one kind of matrix from the device.
///
/// # Errors
/// [`Error::Diverged`] where one is not a finite number: such weights are good for nothing and must not replace others.
pub fn read(engine: &mut Engine, Kind { suffix, buffer }: Kind) -> Result<Matrices> {
    let parameters = engine.plan().parameters.clone();
    let matrix = |parameter: &Parameter| {
        let values = engine.read(buffer(parameter))?;
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            let problem = format!("a weight{suffix} of {} is {value} after step {}", parameter.layer, engine.time);
            return Err(Error::Diverged(format!("{problem}; try a smaller `learning_rate`")));
        }
        Ok(values)
    };
    parameters.iter().map(matrix).collect()
}

/// Writes one kind of matrix to the device.
///
/// # Errors
/// See [`Engine::write`].
pub fn write(engine: &mut Engine, Kind { buffer, .. }: Kind, matrices: &Matrices) -> Result<()> {
    let buffers: Vec<BufferId> = engine.plan().parameters.iter().map(buffer).collect();
    buffers.into_iter().zip(matrices).try_for_each(|(buffer, values)| engine.write(buffer, values))
}

/// Matrices as tensors whose names end in `suffix`.
pub fn tensors(parameters: &[Parameter], suffix: &str, matrices: &Matrices) -> Vec<Tensor> {
    let pair = |(parameter, values): (&Parameter, &Vec<f32>)| {
        let Parameter { layer, shape, .. } = parameter;
        let (kernel, bias) = values.split_at(shape.rows * shape.columns);
        let tensor = |name: &str, shape: &[usize], values: &[f32]| {
            let name = format!("{layer}.{name}{suffix}");
            Tensor { name, shape: shape.to_vec(), values: values.to_vec() }
        };
        [tensor("kernel", &shape.kernel, kernel), tensor("bias", &[shape.columns], bias)]
    };
    parameters.iter().zip(matrices).flat_map(pair).collect()
}

/// The matrices of the tensors whose names end in `suffix`; `path` is where they were read from, for messages.
///
/// # Errors
/// [`Error::Data`] naming the first tensor that is missing or of another shape.
pub fn matrices(parameters: &[Parameter], suffix: &str, tensors: &[Tensor], path: &Path) -> Result<Matrices> {
    let find = |name: &str, shape: &[usize]| {
        Tensor::find(tensors, name, shape).map_err(|problem| not_this_model(path, problem))
    };
    let matrix = |Parameter { layer, shape, .. }: &Parameter| {
        let kernel = find(&format!("{layer}.kernel{suffix}"), &shape.kernel)?;
        let bias = find(&format!("{layer}.bias{suffix}"), &[shape.columns])?;
        Ok([kernel, bias].concat())
    };
    parameters.iter().map(matrix).collect()
}

/// Weights and moments as tensors.
///
/// # Errors
/// See [`read`].
pub fn take(engine: &mut Engine) -> Result<Vec<Tensor>> {
    let mut taken = Vec::new();
    for kind in KINDS {
        let matrices = read(engine, kind)?;
        taken.extend(tensors(&engine.plan().parameters, kind.suffix, &matrices));
    }
    Ok(taken)
}

/// Puts weights that were read from `path` into the engine, and Adam's moments where `moments`.
///
/// # Errors
/// [`Error::Data`] naming the first tensor that is missing, of another shape, or in no layer of the model.
pub fn put(engine: &mut Engine, tensors: &[Tensor], path: &Path, moments: bool) -> Result<()> {
    let parameters = &engine.plan().parameters;
    let kinds = KINDS.iter().take(if moments { KINDS.len() } else { 1 });
    let parse = |kind: &Kind| Ok((*kind, matrices(parameters, kind.suffix, tensors, path)?));
    let parsed: Vec<(Kind, Matrices)> = kinds.map(parse).collect::<Result<_>>()?;
    let known = |name: &str| parameters.iter().any(|parameter| name.split('.').next() == Some(&parameter.layer));
    if let Some(tensor) = tensors.iter().find(|tensor| !known(&tensor.name)) {
        return Err(not_this_model(path, format!("has a tensor {}, the model has no such layer", tensor.name)));
    }
    parsed.iter().try_for_each(|(kind, matrices)| write(engine, *kind, matrices))
}

fn not_this_model(path: &Path, problem: String) -> Error {
    let path = path.display();
    Error::Data(format!("{path}: {problem}; give a checkpoint of the same model, or the `model` it is of"))
}
