//! `shaders/depthwise_weight_gradient.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("depthwise_weight_gradient");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the bias' sum", "sum += output_gradient", "sum = output_gradient"),
        mutation("the row of the bias", "tap == TAPS", "tap > TAPS"),
        mutation("rows above the image", "tap / KERNEL_WIDTH - PAD_TOP", "tap / KERNEL_WIDTH"),
        mutation("rows beyond the image", "y >= HEIGHT", "y > HEIGHT"),
        mutation("the rows' stride", "% OUTPUT_HEIGHT * STRIDE_Y", "% OUTPUT_HEIGHT"),
        mutation("the tap's column", "let kernel_x = tap % KERNEL_WIDTH;", "let kernel_x = 0u;"),
        mutation("the first column", "(max(kernel_x, PAD_LEFT) - kernel_x + STRIDE_X - 1)", "(STRIDE_X - 1)"),
        mutation("the last column", "WIDTH + PAD_LEFT) - kernel_x + STRIDE_X - 1", "WIDTH + PAD_LEFT) - kernel_x"),
        mutation("the end of the outputs", "min(OUTPUT_WIDTH, ", "max(1u, "),
        mutation("the input's channel", "CHANNELS + own / MULTIPLIER", "CHANNELS + own % CHANNELS"),
        mutation("the image's address", "(row / OUTPUT_HEIGHT * HEIGHT + y)", "y"),
        mutation("the columns' stride", "x * STRIDE_X * CHANNELS", "x * CHANNELS"),
        mutation("the lanes' rows", "first_row + thread.y;", "first_row;"),
        mutation("the partition's rows", "* PARTITION_IMAGES * OUTPUT_HEIGHT;", "* OUTPUT_HEIGHT;"),
        mutation("the last partition", "BATCH * OUTPUT_HEIGHT);", "BATCH * OUTPUT_HEIGHT - 1);"),
        mutation("the lanes' sum", "sum += lanes[", "sum = lanes["),
        mutation("the last lane", "lane < THREADS_Y", "lane + 1 < THREADS_Y"),
        mutation("the channels' tail", "if own < FILTERS {", "if own < FILTERS - 1 {"),
        mutation("the second block of channels", "group.z * THREADS_X + thread.x", "thread.x"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
    ];
    all_go_red("depthwise_weight_gradient", &mutations);
}
