//! What a network's arithmetic comes to, counted as the literature does: of convolutions and dense layers alone, and
//! whatever a plan leaves out.

use super::{Model, resolve};
use crate::error::Result;
use crate::geometry::Shape;
use crate::layers::Inferred;
use crate::plan::VariableKind;

/// Floating-point operations of training for each multiply-accumulate and sample: 2 forward, 2 for each of the gradients.
const TRAINING: u64 = 6;

/// Multiply-accumulates of convolutions and dense layers for one sample, forward.
///
/// # Errors
/// See [`resolve`].
pub fn multiply_accumulates(model: &Model) -> Result<u64> {
    let of_layer = |inferred: &Inferred| {
        let kernels = inferred.variables.iter().filter(|variable| variable.kind == VariableKind::Kernel);
        // Each of a kernel's values is used once at every place of the output.
        let places = match inferred.output {
            Shape::Image([height, width, _]) => height * width,
            Shape::Features(_) => 1,
        };
        kernels.map(|kernel| places as u64 * kernel.values() as u64).sum::<u64>()
    };
    Ok(resolve(model)?.iter().map(|layer| of_layer(&layer.inferred)).sum())
}

/// Floating-point operations of training with so many samples, each as often as it is seen.
///
/// # Errors
/// See [`resolve`].
pub fn training_flop(model: &Model, samples: u64) -> Result<u64> {
    Ok(multiply_accumulates(model)?.saturating_mul(TRAINING).saturating_mul(samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse;

    #[test]
    fn every_kernel_counts_at_every_place() {
        let of = |layers: &str| {
            let (model, _) = parse("a.toml", &format!("input = [9, 9, 2]\nlayers = [{layers}]")).unwrap();
            multiply_accumulates(&model).unwrap()
        };
        let end = "{ type = \"flatten\" }, { type = \"dense\", units = 10 }";
        assert_eq!(of(end), 9 * 9 * 2 * 10);
        // 3 x 3 taps of 2 channels at 4 x 4 places, and then 16 * 5 inputs to 10 units.
        let convolution = "{ type = \"conv2d\", filters = 5, kernel = 3, stride = 2 }, ";
        assert_eq!(of(&format!("{convolution}{end}")), 4 * 4 * 9 * 2 * 5 + 4 * 4 * 5 * 10);
        // Each channel by itself; neither normalisation nor bias counts.
        let depthwise = "{ type = \"depthwise_conv2d\", kernel = 3, padding = \"same\", depth_multiplier = 3 }, \
                         { type = \"batch_normalization\" }, ";
        assert_eq!(of(&format!("{depthwise}{end}")), 9 * 9 * 9 * 2 * 3 + 9 * 9 * 6 * 10);
    }
}
