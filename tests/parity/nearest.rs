//! `shaders/nearest.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("nearest");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("nearest", "closer || candidate > greatest[place]", "closer || candidate >= greatest[place]");
}
