//! `shaders/copy_channels.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("copy_channels");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the source's channels", "position * SOURCE_CHANNELS", "position * CHANNELS"),
        mutation("the source's first channel", "+ SOURCE_FIRST", "+ 0"),
        mutation("the copy's channels", "position * TARGET_CHANNELS", "position * CHANNELS"),
        mutation("the copy's first channel", "+ TARGET_FIRST", "+ 0"),
        mutation("the channel", "SOURCE_FIRST + at % CHANNELS", "SOURCE_FIRST"),
        mutation("the ReLU mask", "value > 0.0", "value >= 0.0"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the tail", "position >= POSITIONS", "position + 1 >= POSITIONS"),
        mutation("the second row of workgroups", "(group.y * GRID_WIDTH + group.x)", "group.x"),
    ];
    all_go_red("copy_channels", &mutations);
}
