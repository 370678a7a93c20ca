//! What variables are before the first step.

use crate::random::{Sequence, Stream};

/// How a variable begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// Uniform in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010), as Keras' default.
    GlorotUniform {
        fan_in: usize,
        fan_out: usize,
    },
    Zeros,
    Ones,
}

impl Initial {
    /// Glorot's of a kernel `[..., in, out]`.
    pub fn glorot(kernel: &[usize]) -> Self {
        let receptive_field: usize = kernel.iter().rev().skip(2).product();
        let fan = |axis: usize| kernel.iter().rev().nth(axis).map_or(1, |&size| receptive_field * size);
        Self::GlorotUniform { fan_in: fan(1), fan_out: fan(0) }
    }

    /// Whether the values are drawn.
    pub fn is_random(self) -> bool {
        match self {
            Initial::GlorotUniform { .. } => true,
            Initial::Zeros | Initial::Ones => false,
        }
    }

    /// So many values. `number` is the variable's place among the model's that are drawn.
    pub fn values(self, count: usize, seed: u64, number: u32) -> Vec<f32> {
        match self {
            Initial::GlorotUniform { fan_in, fan_out } => {
                let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
                let mut random = Sequence::new(seed, Stream::Initialisation, number);
                (0..count).map(|_| random.symmetric(limit)).collect()
            }
            Initial::Zeros => vec![0.0; count],
            Initial::Ones => vec![1.0; count],
        }
    }
}
