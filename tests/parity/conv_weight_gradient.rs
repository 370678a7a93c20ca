//! `shaders/conv_weight_gradient.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("conv_weight_gradient");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("conv_weight_gradient", "bias_sums[j] += right[j];", "bias_sums[j] = right[j];");
}
