//! Initial weights: Glorot's uniform kernels and zero biases, as Keras' defaults.

use crate::plan::Weights;
use crate::random::{Sequence, Stream};

/// Kernel rows, then the bias row: uniform in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010), then zeros.
/// `number` is the layer's place among those with weights.
pub fn glorot(weights: &Weights, seed: u64, number: u32) -> Vec<f32> {
    let receptive_field: usize = weights.kernel[..weights.kernel.len() - 2].iter().product();
    let fan_out = receptive_field * weights.columns;
    let limit = (6.0 / (weights.rows + fan_out) as f64).sqrt() as f32;
    let mut random = Sequence::new(seed, Stream::Initialisation, number);
    let mut values: Vec<f32> = (0..weights.rows * weights.columns).map(|_| random.symmetric(limit)).collect();
    values.resize(weights.values(), 0.0);
    values
}
