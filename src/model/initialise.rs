//! Initial weights: Glorot's uniform kernels, as Keras' default.

use crate::random::{Sequence, Stream};

/// A kernel `[..., in, out]`: uniform in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010). `number` is its place
/// among the model's kernels.
pub fn glorot(kernel: &[usize], seed: u64, number: u32) -> Vec<f32> {
    let receptive_field: usize = kernel[..kernel.len() - 2].iter().product();
    let values: usize = kernel.iter().product();
    let columns = kernel[kernel.len() - 1];
    let fan_out = receptive_field * columns;
    let limit = (6.0 / (values / columns + fan_out) as f64).sqrt() as f32;
    let mut random = Sequence::new(seed, Stream::Initialisation, number);
    (0..values).map(|_| random.symmetric(limit)).collect()
}
