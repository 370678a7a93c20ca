//! `shaders/pool_backward.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("pool_backward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "sum += output_gradient[output]", "sum = output_gradient[output]"),
        mutation("the stride", "element_y += STRIDE_Y", "element_y += 1u"),
        mutation("the window element", "element_y * WINDOW_WIDTH + element_x", "element_y * WINDOW_WIDTH"),
        mutation("the image's address", "(image * OUTPUT_HEIGHT + output_y)", "output_y"),
        mutation("the window's address", "* OUTPUT_WIDTH + output_x)", "* OUTPUT_WIDTH)"),
        mutation("the last window", "output_x < OUTPUT_WIDTH", "output_x + 1 < OUTPUT_WIDTH"),
        mutation("the rows above", "% HEIGHT + PAD_TOP", "% HEIGHT"),
        mutation("the columns before", "% WIDTH + PAD_LEFT", "% WIDTH"),
        mutation("the channel", "let channel = at % CHANNELS;", "let channel = 0u;"),
        mutation("the ReLU mask", "value > 0.0", "value >= 0.0"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the tail", "at >= INPUTS", "at >= INPUTS - 1"),
    ];
    all_go_red("pool_backward", &mutations);
}
