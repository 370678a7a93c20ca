//! `shaders/pool_backward.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("pool_backward");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("pool_backward", "sum += output_gradient[output]", "sum = output_gradient[output]");
}
