//! `shaders/depthwise_input_gradient.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("depthwise_input_gradient");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the first tap above", "for (var up = 0u; y % STRIDE_Y", "for (var up = 0u; 0"),
        mutation("the tap's row", "(y % STRIDE_Y + up * STRIDE_Y) * KERNEL_WIDTH", "y % STRIDE_Y * KERNEL_WIDTH"),
        mutation("the tap's column", "x % STRIDE_X + left * STRIDE_X;", "x % STRIDE_X;"),
        mutation("the output's row", "y / STRIDE_Y - up", "y / STRIDE_Y"),
        mutation("rows beyond the outputs", "output_y >= OUTPUT_HEIGHT", "output_y > OUTPUT_HEIGHT"),
        mutation("the output's column", "x / STRIDE_X - left)", "x / STRIDE_X)"),
        mutation("columns beyond the outputs", "columns < vec4(OUTPUT_WIDTH)", "columns <= vec4(OUTPUT_WIDTH)"),
        mutation("the outputs of a channel", "each < (own + 1) * MULTIPLIER", "each < own * MULTIPLIER + 1"),
        mutation("the weight", "weights[tap * FILTERS + each]", "weights[tap * FILTERS]"),
        mutation(
            "a lane",
            "output_gradient[at.z], output_gradient[at.w]",
            "output_gradient[at.z], output_gradient[at.z]",
        ),
        mutation("rows above the image", "% HEIGHT + PAD_TOP", "% HEIGHT"),
        mutation("columns left of the image", "column + PAD_LEFT,", "column,"),
        mutation("the image's address", "image_row / HEIGHT * OUTPUT_HEIGHT", "0u"),
        mutation("the second phase", "min(STRIDE_X, WIDTH)", "1u"),
        mutation(
            "the columns of a phase",
            "(image_row * WIDTH + column + lane * STRIDE_X)",
            "(image_row * WIDTH + column + lane)",
        ),
        mutation("the ReLU mask", "value > 0.0", "value >= 0.0"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the channels' tail", "own >= CHANNELS", "own >= CHANNELS - 1"),
        mutation("the second block of channels", "group.z * THREADS + thread.x", "thread.x"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
    ];
    all_go_red("depthwise_input_gradient", &mutations);
}
