//! A network out of the datasets of an HDF5 file.

use serde_json::Value;

use super::contents::Contents;
use super::hdf5_reader::Reader;
use super::message::Found;
use super::optimizer::{self, FindPaths};
use crate::formats::Network;

/// How many times smaller than an array its bytes in the file may be: deflate's best is 1,032, for numbers of two bytes each.
const DENSEST: usize = 1032 / 2;

/// The contents' network. `paths` are where the file has each of the contents' variables, `optimizer` is what it was compiled
/// with, as JSON, and `find` says where the file has its state.
pub fn network(
    reader: &Reader,
    mut contents: Contents,
    paths: &[String],
    optimizer: &Value,
    find: FindPaths,
) -> Found<Network> {
    let variables = &contents.variables;
    // Before memory is asked for them.
    let values: usize = variables.iter().map(|variable| variable.shape.iter().product::<usize>()).sum();
    if values / DENSEST > reader.length() {
        return Err(format!("its layers have {values} weights, more than the file has; save the model in Keras again"));
    }
    let mut tensors = Vec::new();
    for (variable, path) in variables.iter().zip(paths) {
        tensors.push(variable.tensor(reader.floats(path, &variable.shape)?));
    }
    let found = if contents.is_whole() { optimizer::state(reader, optimizer, find, variables) } else { None };
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
