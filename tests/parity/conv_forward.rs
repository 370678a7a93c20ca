//! `shaders/conv_forward.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("conv_forward");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("conv_forward", "candidate > largest", "candidate < largest");
}
