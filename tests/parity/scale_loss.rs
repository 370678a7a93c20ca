//! `shaders/scale_loss.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("scale_loss");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the scale", "gradient[at] *= bitcast<f32>(scale[0])", "gradient[at] *= f32(scale[0])"),
        mutation("the tail", "at < VALUES", "at + 1 < VALUES"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
    ];
    all_go_red("scale_loss", &mutations);
}
