//! `shaders/advance.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("advance");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("advance", "other = 1u", "other = 2u");
}
