//! `shaders/add.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("add");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "left[at] + right[at]", "left[at]"),
        mutation("the left one", "left[at] + right[at]", "right[at] + right[at]"),
        mutation("the tail", "at < VALUES", "at + 1 < VALUES"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
    ];
    all_go_red("add", &mutations);
}
