//! The epilogue of the kernels that make input gradients: a gradient goes back through the ReLU and dropout that made a value.

use super::Constants;
use super::vectors::vectorised;

/// Of a value that went through ReLU: what dropout scaled it by since (1 without dropout). `None` for any other value.
pub type ReluMask = Option<f32>;

/// The constants of `shaders/common/relu_mask.wgsl`.
pub(super) fn constants(mask: ReluMask) -> Constants {
    vec![("RELU_MASK", mask.is_some().into()), ("SCALE", mask.unwrap_or(1.0).into())]
}

/// A positive input was active and kept, so its gradient is scaled as it was; any other's is zero. In place,
/// for the values of the input from `first` on; without a mask there may be no input at all.
pub(super) fn apply(mask: ReluMask, input: &[f32], first: usize, gradient: &mut [f32]) {
    if let Some(scale) = mask {
        vectorised(
            #[inline(always)]
            || {
                for (gradient, &input) in gradient.iter_mut().zip(&input[first..]) {
                    *gradient = if input > 0.0 { *gradient * scale } else { 0.0 };
                }
            },
        );
    }
}
