//! `shaders/adam.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("adam");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("adam", "sqrt(v) + 1e-7", "sqrt(v + 1e-7)");
}
