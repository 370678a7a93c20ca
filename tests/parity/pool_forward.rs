//! `shaders/pool_forward.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("pool_forward");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("pool_forward", "value > largest", "value >= largest");
}
