//! A model is a sequence of layers over images `[H, W, C]`. Shapes are inferred; nothing here knows of a device.

mod file;
mod initialise;
mod layer;
mod notebook;
mod shape;
mod summary;

pub use file::{EPOCHS, by_name_or_file, nearest, parse};
pub use initialise::glorot;
pub use layer::{Activation, Layer, Padding};
pub use notebook::{NAMES, notebook};
pub use shape::{LARGEST_WINDOW, Resolved, Shape, Weights, Window, activation, after, class_name, resolve};
#[cfg(feature = "plot")]
pub(crate) use summary::thousands;
pub use summary::{layers, summary};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The most bytes of a model's name: it becomes part of a folder's, which most systems limit to 255.
const LONGEST_NAME: usize = 100;

/// A sequential model, as a file spells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    #[serde(default)]
    pub name: String,
    /// `[H, W, C]`
    pub input: [usize; 3],
    pub layers: Vec<Layer>,
}

impl Model {
    /// Refuses what no file may spell: a name that is no part of a folder's, and layers that do not fit.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the layer, or the name.
    pub fn check(&self) -> Result<()> {
        check_name(&self.name).map_err(Error::Usage)?;
        resolve(self).map(drop)
    }

    /// Classes told apart: the units of the last layer.
    pub fn classes(&self) -> usize {
        match self.layers.last() {
            Some(Layer::Dense { units, .. }) => *units,
            _ => 0,
        }
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
