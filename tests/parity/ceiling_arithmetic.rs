//! `shaders/ceiling_arithmetic.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("ceiling_arithmetic");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("ceiling_arithmetic", "quarter < 4", "quarter < 3");
}
