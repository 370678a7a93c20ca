//! `shaders/conv_weight_gradient.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("conv_weight_gradient");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("conv_weight_gradient", "bias_sums[j] += gradient;", "bias_sums[j] = gradient;");
}

/// More workgroups than one direction of a dispatch holds: those that are too many must not write.
#[test]
fn surplus_workgroups_are_noticed() {
    goes_red("conv_weight_gradient", "DEPTH / TILE_ROWS % GRID_WIDTH == 0", "true");
}
