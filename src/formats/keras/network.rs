//! A network out of the datasets of an HDF5 file: weights, and Adam's state where it can go on here.

use serde_json::Value;

use super::compile::{is_learning_rate, learning_rate};
use super::hdf5_reader::Reader;
use super::message::Found;
use super::variables::{Variable, variables};
use crate::formats::{AdamState, Network};
use crate::model::{Model, resolve};

/// Where a file has the arrays: paths of datasets, in the order of the variables.
pub struct Paths {
    pub weights: Vec<String>,
    pub adam: Option<AdamPaths>,
}

pub struct AdamPaths {
    pub iteration: String,
    /// Not in files of Keras 2, nor with a schedule.
    pub learning_rate: Option<String>,
    /// First and second moments.
    pub moments: [Vec<String>; 2],
}

/// The network of that model; `locate` says where its arrays are. `optimizer` is what it was compiled with, as JSON.
pub fn network(
    reader: &Reader,
    model: Model,
    optimizer: &Value,
    locate: impl FnOnce(&[Variable]) -> Found<Paths>,
) -> Found<Network> {
    let variables = variables(&resolve(&model).map_err(|error| error.to_string())?);
    // Before memory is asked for them.
    let values: usize = variables.iter().map(|variable| variable.shape.iter().product::<usize>()).sum();
    if values > reader.length() / 4 {
        return Err(format!("its layers have {values} weights, more than the file has; save the model in Keras again"));
    }
    let paths = locate(&variables)?;
    if paths.weights.len() != variables.len() {
        let (found, expected) = (paths.weights.len(), variables.len());
        return Err(format!("has {found} arrays of weights, its layers {expected}; save the model in Keras again"));
    }
    let mut tensors = Vec::new();
    for (variable, path) in variables.iter().zip(&paths.weights) {
        tensors.push(variable.tensor(reader.floats(path, &variable.shape)?));
    }
    let mut adam = None;
    if let Some(paths) = paths.adam.filter(|paths| paths.moments.iter().all(|paths| paths.len() == variables.len())) {
        adam = state(reader, optimizer, &paths)?;
        for (index, variable) in variables.iter().enumerate().filter(|_| adam.is_some()) {
            let [first, second] = paths.moments.each_ref().map(|paths| reader.floats(&paths[index], &variable.shape));
            tensors.extend(variable.moments([first?, second?]));
        }
    }
    Ok(Network { model, tensors, adam, class_names: Vec::new() })
}

/// The learning rate and the steps done, if the optimizer is an Adam that can go on here.
fn state(reader: &Reader, optimizer: &Value, paths: &AdamPaths) -> Found<Option<AdamState>> {
    let Some(mut learning_rate) = learning_rate(optimizer) else { return Ok(None) };
    if let Some(path) = &paths.learning_rate {
        let current = reader.floats(path, &[])?.first().copied().unwrap_or_default();
        // The JSON has it in f64, but may have it as it was when the model was compiled.
        if learning_rate as f32 != current {
            learning_rate = f64::from(current);
        }
        if !is_learning_rate(learning_rate) {
            return Err(format!("dataset '{path}' is {current}, no learning rate; save the model in Keras again"));
        }
    }
    let steps = reader.integer(&paths.iteration)?;
    let time = u32::try_from(steps).map_err(|_| {
        format!("dataset '{}' is {steps}, no number of steps; save the model in Keras again", paths.iteration)
    })?;
    Ok(Some(AdamState { learning_rate, time }))
}
