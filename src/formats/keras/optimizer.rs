//! The state of an optimizer in a file, where it is one that can go on here. Whatever else it is, the weights are of use
//! without.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compile::{is_learning_rate, read, state_name};
use super::hdf5_reader::Reader;
use super::variables::Variable;
use crate::formats::{OptimizerState, Tensor};
use crate::optimizers::{Optimizer, State};

/// Where a file has it: paths of datasets.
pub struct StatePaths {
    pub iteration: String,
    /// Not in files of Keras 2, nor with a schedule.
    pub learning_rate: Option<String>,
    /// What is kept of the trained variables, in their order, by Keras' names: `momentum`.
    pub states: BTreeMap<&'static str, Vec<String>>,
}

/// Where a file has the state of an optimizer of so many trained variables.
pub type FindPaths<'a> = &'a dyn Fn(&Optimizer, usize) -> Option<StatePaths>;

/// An optimizer and what it keeps, if `optimizer`, as the file's JSON spells it, is ours, and all of it can be read.
pub fn state(
    reader: &Reader,
    optimizer: &Value,
    find: FindPaths,
    variables: &[Variable],
) -> Option<(OptimizerState, Vec<Tensor>)> {
    let (optimizer, mut learning_rate) = read(optimizer)?;
    let trained: Vec<&Variable> = variables.iter().filter(|variable| variable.is_trained).collect();
    let paths = find(&optimizer, trained.len())?;
    if let Some(path) = &paths.learning_rate {
        let current = *reader.floats(path, &[]).ok()?.first()?;
        // The JSON has it in f64, but may have it as it was when the model was compiled.
        if learning_rate as f32 != current {
            learning_rate = f64::from(current);
        }
    }
    let iterations = u32::try_from(reader.integer(&paths.iteration).ok()?).ok()?;
    let mut tensors = Vec::new();
    for state in optimizer.states() {
        let paths = paths.states.get(state_name(&state)).filter(|paths| paths.len() == trained.len())?;
        for (variable, path) in trained.iter().zip(paths) {
            tensors.push(variable.state(&state, reader.floats(path, &variable.shape).ok()?));
        }
    }
    is_learning_rate(learning_rate).then_some((OptimizerState { optimizer, learning_rate, iterations }, tensors))
}

/// The states of an optimizer of so many trained variables as Keras 3 lists them, each with the variable's number: the
/// moving averages of all, then the rule's own of each variable in turn.
pub fn in_order(optimizer: &Optimizer, variables: usize) -> Vec<(State, usize)> {
    let own = optimizer.rule().states().to_vec();
    let averages = optimizer.states().split_off(own.len());
    let each = |states: Vec<State>| {
        (0..variables).flat_map(move |number| states.clone().into_iter().map(move |state| (state, number)))
    };
    each(averages).chain(each(own)).collect()
}

/// What messages call it.
pub fn name(optimizer: &Value) -> String {
    let class = optimizer["class_name"].as_str().or(optimizer.as_str()).unwrap_or("of an unknown class");
    format!("the optimizer's state ({})", class.chars().take(60).collect::<String>())
}
