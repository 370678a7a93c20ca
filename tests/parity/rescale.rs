//! `shaders/rescale.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("rescale");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the factor", "source[at] * FACTOR", "source[at]"),
        mutation("the offset", "FACTOR + OFFSET;", "FACTOR;"),
        mutation("the ReLU mask", "value > 0.0", "value >= 0.0"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the tail", "at < VALUES", "at + 1 < VALUES"),
        mutation("the second row of workgroups", "(group.y * GRID_WIDTH + group.x)", "group.x"),
    ];
    all_go_red("rescale", &mutations);
}
