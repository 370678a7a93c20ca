//! The variables of a model, and where they lie in a plan's buffers.

use super::{BufferId, Initial};
use crate::kernels::{MicroBatches, Partitions};

/// What a variable is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableKind {
    Kernel,
    Bias,
    /// Scales what is normalised.
    Gamma,
    /// Is added to what is normalised.
    Beta,
    /// Moving averages of the batches' statistics, which evaluation normalises by.
    MovingMean,
    MovingVariance,
}

impl VariableKind {
    pub const ALL: [Self; 6] =
        [Self::Kernel, Self::Bias, Self::Gamma, Self::Beta, Self::MovingMean, Self::MovingVariance];

    /// What follows the layer's name in files: `conv2d.kernel`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Bias => "bias",
            Self::Gamma => "gamma",
            Self::Beta => "beta",
            Self::MovingMean => "moving_mean",
            Self::MovingVariance => "moving_variance",
        }
    }

    /// Whether it has a gradient.
    pub fn is_trainable(self) -> bool {
        match self {
            Self::Kernel | Self::Bias | Self::Gamma | Self::Beta => true,
            Self::MovingMean | Self::MovingVariance => false,
        }
    }
}

/// A tensor that a layer wants to have.
#[derive(Clone, Debug, PartialEq)]
pub struct VariableSpec {
    pub kind: VariableKind,
    /// Keras': `[KH, KW, C, filters]` or `[in, units]` of a kernel, `[columns]` of a bias.
    pub shape: Vec<usize>,
    pub initial: Initial,
}

impl VariableSpec {
    /// Numbers in it.
    pub fn values(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A run of words in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub buffer: BufferId,
    pub first: usize,
    pub words: usize,
}

/// A tensor that a model has beside its values, by name.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The layer's name.
    pub layer: String,
    pub kind: VariableKind,
    pub shape: Vec<usize>,
    pub initial: Initial,
    pub values: Place,
    /// None where it is not trained.
    pub training: Option<Training>,
}

/// What a trained variable has beside its values.
#[derive(Clone, Debug)]
pub struct Training {
    pub gradient: Gradient,
    /// As the optimizer's rule lists them.
    pub states: Vec<Place>,
}

/// Where a gradient lies: the sum of its partitions, of each micro-batch.
#[derive(Clone, Debug)]
pub struct Gradient {
    pub buffer: BufferId,
    pub partitions: Partitions,
    pub micro_batches: MicroBatches,
}

impl Variable {
    /// `conv2d.kernel`
    pub fn name(&self) -> String {
        format!("{}.{}", self.layer, self.kind.name())
    }

    pub fn is_trainable(&self) -> bool {
        self.training.is_some()
    }
}

impl Gradient {
    /// The gradient in the values of its buffer.
    pub fn sum(&self, buffer: &[f32]) -> Vec<f32> {
        let mut sum = vec![0.0; self.partitions.words];
        self.partitions.add_up(self.micro_batches, buffer, 0, &mut sum);
        sum
    }
}
