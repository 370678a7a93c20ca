//! `shaders/depthwise_forward.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("depthwise_forward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the bias", "BIAS == 1", "BIAS == 2"),
        mutation("the bias' place", "KERNEL_HEIGHT * KERNEL_WIDTH * FILTERS + own", "own"),
        mutation("the input's channel", "CHANNELS + own / MULTIPLIER", "CHANNELS + own % CHANNELS"),
        mutation("rows above the image", "+ kernel_y - PAD_TOP", "+ kernel_y"),
        mutation("rows beyond the image", "y >= HEIGHT", "y > HEIGHT"),
        mutation("columns left of the image", "+ kernel_x - PAD_LEFT", "+ kernel_x"),
        mutation("columns beyond the image", "columns < vec4(WIDTH)", "columns <= vec4(WIDTH)"),
        mutation("the columns' stride", "STRIDE_X * vec4(0u, 1u, 2u, 3u)", "vec4(0u, 1u, 2u, 3u)"),
        mutation("a lane", "input[at.z], input[at.w]", "input[at.z], input[at.z]"),
        mutation("the rows' stride", "% OUTPUT_HEIGHT * STRIDE_Y", "% OUTPUT_HEIGHT"),
        mutation("the image's address", "(image_row / OUTPUT_HEIGHT * HEIGHT + y)", "y"),
        mutation("the tap", "(kernel_y * KERNEL_WIDTH + kernel_x) * FILTERS", "kernel_y * KERNEL_WIDTH * FILTERS"),
        mutation("the ReLU", "max(sums, vec4(0.0))", "max(sums, vec4(-0.5))"),
        mutation("the last columns", "min(4u, OUTPUT_WIDTH - column)", "min(3u, OUTPUT_WIDTH - column)"),
        mutation("the channels' tail", "own >= FILTERS", "own >= FILTERS - 1"),
        mutation("the second block of channels", "group.z * THREADS + thread.x", "thread.x"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
    ];
    all_go_red("depthwise_forward", &mutations);
}
