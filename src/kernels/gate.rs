//! The epilogue that three kernels share: carrying a gradient back through the ReLU and dropout that made a value.

use super::Constants;
use super::vectors::vectorised;

/// Of a value that went through ReLU: what dropout scaled it by since (1 without dropout). `None` for any other value.
pub type Gate = Option<f32>;

/// The shaders' GATED and SCALE.
pub(super) fn constants(gate: Gate) -> Constants {
    vec![("GATED", gate.is_some().into()), ("SCALE", gate.unwrap_or(1.0).into())]
}

/// A positive input was active and kept, so its gradient is scaled as it was; any other's is zero. In place,
/// for the values of the input from `first` on; without a gate there may be no input at all.
pub(super) fn apply(gate: Gate, input: &[f32], first: usize, gradient: &mut [f32]) {
    if let Some(scale) = gate {
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
