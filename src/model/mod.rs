//! A model is a graph of layers over images `[H, W, C]`, in an order in which they can run. Shapes are inferred; nothing
//! here knows of a device.

mod arithmetic;
mod augmentation;
mod builtin;
mod file;
mod initial;
mod keras_order;
mod keys;
mod nodes;
mod resolve;
mod settings;
mod summary;

pub use arithmetic::{multiply_accumulates, training_flop};
pub use augmentation::{augmentation, augmentation_in};
pub use builtin::{NAMES, NOTEBOOK};
pub use file::{ModelFile, built_in, by_name_or_file, parse};
pub use keras_order::{in_keras_order, is_sequence};
pub use keys::nearest;
pub(crate) use nodes::MOST_LAYERS;
pub use resolve::{IMAGES, LONGEST_LAYER_NAME, Resolved, resolve};
#[cfg(feature = "plot")]
pub(crate) use summary::thousands;
pub use summary::{Layers, layers, summary, trainable_parameters};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::layers::{Initializer, Layer};

/// The most bytes of a model's name: it becomes part of a folder's, which most systems limit to 255.
const LONGEST_NAME: usize = 100;

/// A model, as a file spells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    #[serde(default)]
    pub name: String,
    /// `[H, W, C]`
    pub input: [usize; 3],
    #[serde(deserialize_with = "nodes::few")]
    pub layers: Vec<Node>,
}

/// A layer in a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Keras' automatic name where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names of layers before it, or `input` for the images; where there is none, the layer before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// How its kernel begins, if it has one.
    #[serde(default, skip_serializing_if = "Initializer::is_default")]
    pub kernel_initializer: Initializer,
    /// Of [`Initializer::Whitening`]; [`Whitening::EPSILON`](crate::plan::Whitening::EPSILON) where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whitening_epsilon: Option<f64>,
    /// Whether training changes its variables; a normalisation that it does not goes by its moving averages in training, too.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub trainable: bool,
    #[serde(flatten)]
    pub layer: Layer,
}

fn yes() -> bool {
    true
}

impl From<Layer> for Node {
    /// Without a name, after the layer before it.
    fn from(layer: Layer) -> Self {
        let kernel_initializer = Initializer::default();
        Self { name: None, inputs: Vec::new(), kernel_initializer, whitening_epsilon: None, trainable: true, layer }
    }
}

impl Model {
    /// Layers one after the other.
    pub fn sequence(name: &str, input: [usize; 3], layers: impl IntoIterator<Item = Layer>) -> Self {
        Self { name: name.to_owned(), input, layers: layers.into_iter().map(Node::from).collect() }
    }

    /// Refuses what no file may spell: a name that is no part of a folder's, and layers that do not fit.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the layer, or the name.
    pub fn check(&self) -> Result<()> {
        check_name(&self.name).map_err(Error::Usage)?;
        resolve(self).map(drop)
    }

    /// Whether what a step does depends on which samples go through the network together.
    pub fn has_batch_statistics(&self) -> bool {
        self.layers.iter().any(|node| node.trainable && node.layer.operation().rules().has_batch_statistics)
    }

    /// Classes told apart: what the last layer puts out; 0 where the model cannot be.
    pub fn classes(&self) -> usize {
        let layers = resolve(self).unwrap_or_default();
        layers.last().map_or(0, |layer| layer.inferred.output.values())
    }
}

/// Says what is wrong with a model's name.
fn check_name(name: &str) -> std::result::Result<(), String> {
    let problem = match name {
        "" => "empty",
        name if name.len() > LONGEST_NAME => "longer than 100 bytes",
        name if name.starts_with('.') => "hidden: it begins with a dot",
        name if name.contains(['/', '\\']) || name.contains(char::is_control) => "not a part of a folder's name",
        _ => return Ok(()),
    };
    Err(format!("name {name:?} is {problem}; give name = a short text without slashes and control characters"))
}
