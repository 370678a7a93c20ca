//! A model's layers as Keras lists them, which is the order of its files' arrays: those farthest from the output first, of
//! equally far ones those that a walk from the output meets first. Keras sorts them so whatever a file's order is.
//!
//! <https://github.com/keras-team/keras/blob/master/keras/src/ops/function.py>, `map_graph`

use super::Resolved;

/// Whether each layer takes what the one before it gives, and nothing else.
pub fn is_sequence(layers: &[Resolved]) -> bool {
    layers.iter().enumerate().all(|(index, layer)| layer.inputs == [index])
}

/// The layers in Keras' order.
pub fn in_keras_order(layers: Vec<Resolved>) -> Vec<Resolved> {
    let (distances, met) = (distances(&layers), met(&layers));
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by_key(|&index| (usize::MAX - distances[index], met[index]));
    let mut places = vec![0; layers.len() + 1];
    for (place, &index) in order.iter().enumerate() {
        places[index + 1] = place + 1;
    }
    let moved = |&index: &usize| {
        let layer = &layers[index];
        Resolved { inputs: layer.inputs.iter().map(|&input| places[input]).collect(), ..layer.clone() }
    };
    order.iter().map(moved).collect()
}

/// How many layers are on the longest way from each layer to the output.
fn distances(layers: &[Resolved]) -> Vec<usize> {
    let mut distances = vec![0; layers.len()];
    for (index, layer) in layers.iter().enumerate().rev() {
        for before in layer.inputs.iter().filter_map(|input| input.checked_sub(1)) {
            distances[before] = distances[before].max(distances[index] + 1);
        }
    }
    distances
}

/// Which layers a walk from the output meets first: a layer, then all that is behind its first input, then its second.
fn met(layers: &[Resolved]) -> Vec<usize> {
    let mut met = vec![usize::MAX; layers.len()];
    let mut next = vec![layers.len()];
    let mut number = 0;
    while let Some(value) = next.pop() {
        let Some(index) = value.checked_sub(1) else { continue };
        if met[index] == usize::MAX {
            met[index] = number;
            number += 1;
            next.extend(layers[index].inputs.iter().rev());
        }
    }
    met
}
