//! What a file of Keras' holds, as far as it is read: a model, and which of the file's arrays are its weights.

use super::chain::Leaf;
use super::variables::Variable;
use crate::model::Model;

pub struct Contents {
    pub model: Model,
    /// Of each layer with weights.
    pub products: Vec<Product>,
    /// All arrays of the file's layers, in their order.
    pub arrays: Vec<Array>,
    /// In words, what only training knows of.
    pub left_out: Vec<String>,
}

/// A layer's weights, by the numbers of their arrays.
pub struct Product {
    pub kernel: usize,
    /// The kernel's shape in the file, where it is not our tensor's.
    pub kernel_shape: Option<Vec<usize>>,
    /// Where there is none, it is zero.
    pub bias: Option<usize>,
    /// What is folded into the layer.
    pub folded: Option<Folded>,
}

/// A normalisation's arrays, by their numbers.
pub struct Folded {
    pub epsilon: f64,
    pub gamma: Option<usize>,
    pub beta: Option<usize>,
    pub mean: usize,
    pub variance: usize,
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
    /// What Keras calls it: `kernel`, `moving_mean`.
    pub part: &'static str,
    /// Whether Keras trains it.
    pub is_trained: bool,
}

impl Array {
    /// Where Keras 3 has it.
    pub fn path(&self) -> String {
        format!("{}/vars/{}", self.path, self.number)
    }
}

/// A layer's arrays, as they are added.
pub struct Arrays<'a> {
    arrays: &'a mut Vec<Array>,
    leaf: &'a Leaf<'a>,
    number: usize,
}

impl Arrays<'_> {
    /// The number of the layer's next array among all.
    pub fn next(&mut self, part: &'static str, is_trained: bool) -> usize {
        let (group, path) = (self.leaf.group.to_owned(), self.leaf.path.clone());
        let layer = self.leaf.layer["config"]["name"].as_str().unwrap_or_default().to_owned();
        self.arrays.push(Array { group, layer, path, number: self.number, part, is_trained });
        self.number += 1;
        self.arrays.len() - 1
    }
}

impl Contents {
    /// Of a model, without arrays as yet.
    pub fn of(model: Model) -> Self {
        Self { model, products: Vec::new(), arrays: Vec::new(), left_out: Vec::new() }
    }

    /// Of a file with nothing but the model's weights, `variables` being all of them.
    pub fn of_weights(model: Model, variables: &[Variable]) -> Self {
        let array = |(number, variable): (usize, &Variable)| Array {
            group: String::new(),
            layer: variable.layer.clone(),
            path: format!("layers/{}", variable.layer),
            number: number % 2,
            part: variable.part,
            is_trained: true,
        };
        let product = |kernel| Product { kernel, kernel_shape: None, bias: Some(kernel + 1), folded: None };
        Self {
            products: (0..variables.len()).step_by(2).map(product).collect(),
            arrays: variables.iter().enumerate().map(array).collect(),
            ..Self::of(model)
        }
    }

    pub fn arrays_of<'a>(&'a mut self, leaf: &'a Leaf<'a>) -> Arrays<'a> {
        Arrays { arrays: &mut self.arrays, leaf, number: 0 }
    }

    /// Whether the file's arrays are our tensors, one by one, and Keras trains them all: then it may have an optimizer's
    /// states of each.
    pub fn is_whole(&self) -> bool {
        self.arrays.len() == 2 * self.products.len() && self.arrays.iter().all(|array| array.is_trained)
    }
}
