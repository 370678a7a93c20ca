//! `shaders/conv_input_gradient.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("conv_input_gradient");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("conv_input_gradient", "input[at] > 0.0", "input[at] >= 0.0");
}
