//! What a file of Keras' holds, as far as it is read: a model, and which of the file's arrays are its variables.

use super::graph::Leaf;
use super::layers::Part;
use super::variables::Variable;
use crate::model::Model;

pub struct Contents {
    pub model: Model,
    pub variables: Vec<Variable>,
    /// The array of each variable.
    pub arrays: Vec<Array>,
    /// In words, what only training knows of.
    pub left_out: Vec<String>,
}

/// An array of the file.
pub struct Array {
    /// See [`Leaf::group`].
    pub group: String,
    /// Its layer's name.
    pub layer: String,
    /// Its layer's, see [`Leaf::path`].
    pub path: String,
    /// Its number among its layer's.
    pub number: usize,
    /// What versions of Keras call it: `kernel`, `moving_mean`.
    pub names: &'static [&'static str],
    /// Whether Keras trains it.
    pub is_trained: bool,
}

impl Array {
    pub fn of(leaf: &Leaf, number: usize, part: Part) -> Self {
        let (group, layer, path) = (leaf.group.to_owned(), leaf.name().to_owned(), leaf.path.clone());
        Self { group, layer, path, number, names: part.names, is_trained: leaf.trainable && part.is_trained }
    }

    /// Where Keras 3 has it.
    pub fn path(&self) -> String {
        format!("{}/vars/{}", self.path, self.number)
    }
}

impl Contents {
    /// Whether Keras trains what we do: then the file may have an optimizer's states of each variable that is trained.
    pub fn is_whole(&self) -> bool {
        self.arrays.iter().zip(&self.variables).all(|(array, variable)| array.is_trained == variable.is_trained)
    }
}
