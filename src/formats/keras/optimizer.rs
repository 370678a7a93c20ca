//! The state of an optimizer in a file, where it is an Adam that can go on here. Whatever else it is, the weights are of use
//! without.

use serde_json::Value;

use super::compile::{is_learning_rate, learning_rate};
use super::hdf5_reader::Reader;
use super::variables::Variable;
use crate::formats::{OptimizerState, Tensor};
use crate::optimizers::{Adam, Optimizer};

/// Where a file has it: paths of datasets, in the order of the variables.
pub struct AdamPaths {
    pub iteration: String,
    /// Not in files of Keras 2, nor with a schedule.
    pub learning_rate: Option<String>,
    /// First and second moments.
    pub moments: [Vec<String>; 2],
}

/// Adam's state and moments, if `optimizer`, as the file's JSON spells it, is ours, and all of them can be read.
pub fn adam(
    reader: &Reader,
    optimizer: &Value,
    paths: &AdamPaths,
    variables: &[&Variable],
) -> Option<(OptimizerState, Vec<Tensor>)> {
    if paths.moments.iter().any(|paths| paths.len() != variables.len()) {
        return None;
    }
    let mut learning_rate = learning_rate(optimizer)?;
    if let Some(path) = &paths.learning_rate {
        let current = *reader.floats(path, &[]).ok()?.first()?;
        // The JSON has it in f64, but may have it as it was when the model was compiled.
        if learning_rate as f32 != current {
            learning_rate = f64::from(current);
        }
    }
    let iterations = u32::try_from(reader.integer(&paths.iteration).ok()?).ok()?;
    let mut tensors = Vec::new();
    for (index, variable) in variables.iter().enumerate() {
        for (state, paths) in Adam::STATES.iter().zip(&paths.moments) {
            tensors.push(variable.state(state, reader.floats(&paths[index], &variable.shape).ok()?));
        }
    }
    let optimizer = Optimizer::Adam(Adam::default());
    is_learning_rate(learning_rate).then_some((OptimizerState { optimizer, learning_rate, iterations }, tensors))
}

/// What messages call it.
pub fn name(optimizer: &Value) -> String {
    let class = optimizer["class_name"].as_str().or(optimizer.as_str()).unwrap_or("of an unknown class");
    format!("the optimizer's state ({})", class.chars().take(60).collect::<String>())
}
