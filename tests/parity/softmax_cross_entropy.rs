//! `shaders/softmax_cross_entropy.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("softmax_cross_entropy");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("softmax_cross_entropy", "f32(rows)", "f32(BATCH)");
}
