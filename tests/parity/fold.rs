//! `shaders/fold.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("fold");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("fold", "y / STRIDE_Y - kernel_y / STRIDE_Y", "y / STRIDE_Y");
}
