//! Normalises each channel to mean 0 and variance 1, then scales and moves it (Ioffe and Szegedy, 2015): input and output
//! `[N, H, W, C]` or `[N, C]`. In training by the batch's statistics, in evaluation by moving averages of them.

use serde::{Deserialize, Serialize};

use super::keys::{Kind, LayerKeys};
use super::operation::{Backward, Inferred, Operation, Place, Rules, only};
use crate::error::{Error, Result};
use crate::geometry::Shape;
use crate::plan::{Initial, Tape, VariableKind, VariableSpec};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchNormalization {
    /// The part of a moving average that a step keeps.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether there is a `beta`, which is added.
    pub center: bool,
    /// Whether there is a `gamma`, which scales.
    pub scale: bool,
}

pub(super) const KEYS: LayerKeys = LayerKeys {
    kind: "batch_normalization",
    class_name: "BatchNormalization",
    automatic_name: "batch_normalization",
    required: &[],
    optional: &[("momentum", Kind::Number), ("epsilon", Kind::Number), ("center", Kind::Flag), ("scale", Kind::Flag)],
};

impl Default for BatchNormalization {
    /// Keras' defaults.
    fn default() -> Self {
        Self { momentum: 0.99, epsilon: 1e-3, center: true, scale: true }
    }
}

impl Operation for BatchNormalization {
    fn keys(&self) -> &'static LayerKeys {
        &KEYS
    }

    fn infer(&self, inputs: &[Shape]) -> std::result::Result<Inferred, String> {
        let Self { momentum, epsilon, center, scale } = *self;
        if !(0.0..=1.0).contains(&momentum) {
            return Err(format!("momentum is {momentum}; give one from 0 to 1"));
        }
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            return Err(format!("epsilon is {epsilon}; give a positive number such as 1e-3"));
        }
        let input = only(inputs)?;
        let kinds = [
            (VariableKind::Gamma, Initial::Ones, scale),
            (VariableKind::Beta, Initial::Zeros, center),
            (VariableKind::MovingMean, Initial::Zeros, true),
            (VariableKind::MovingVariance, Initial::Ones, true),
        ];
        let variables = kinds.into_iter().filter(|(.., has)| *has);
        let variables =
            variables.map(|(kind, initial, _)| VariableSpec { kind, shape: vec![input.channels()], initial }).collect();
        Ok(Inferred { output: input, variables, window: None })
    }

    fn rules(&self) -> Rules {
        Rules::NONE
    }

    fn emit(&self, place: &Place, _: &mut Tape) -> Result<Backward> {
        Err(Error::Failed(format!("{}: is no pass yet", place.name)))
    }
}
