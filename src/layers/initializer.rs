//! How a layer's kernel begins, as a model file says it.

use serde::{Deserialize, Serialize};

use crate::plan::{Dirac, Initial};

/// Keras' initializers by their names there, and two that Keras has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    #[default]
    GlorotUniform,
    GlorotNormal,
    HeUniform,
    HeNormal,
    Zeros,
    /// The first filters hand their channels on: see [`Dirac`].
    Dirac,
    /// The principal components of the images' patches: see [`Whitening`](crate::plan::Whitening).
    Whitening,
}

impl Initializer {
    /// Whether it is what a layer has that says nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// How a kernel of this shape begins, `[KH, KW, C, filters]` or `[in, units]`, `[KH, KW, C, M]` of a depthwise one; none
    /// where the images say it.
    pub fn initial(self, kernel: &[usize], is_depthwise: bool) -> Option<Initial> {
        let [fan_in, fan_out] = Initial::fans(kernel);
        Some(match self {
            Self::GlorotUniform => Initial::Uniform { fan: fan_in + fan_out },
            Self::GlorotNormal => Initial::Normal { fan: fan_in + fan_out },
            Self::HeUniform => Initial::Uniform { fan: fan_in },
            Self::HeNormal => Initial::Normal { fan: fan_in },
            Self::Zeros => Initial::Zeros,
            Self::Dirac => Initial::Dirac(Dirac::of(kernel, is_depthwise)),
            Self::Whitening => return None,
        })
    }
}
