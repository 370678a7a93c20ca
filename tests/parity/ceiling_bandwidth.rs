//! `shaders/ceiling_bandwidth.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("ceiling_bandwidth");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("ceiling_bandwidth", "source[at]", "source[first]");
}
