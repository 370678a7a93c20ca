//! `shaders/average_pool_backward.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("average_pool_backward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "gradient += output_gradient", "gradient = output_gradient"),
        mutation("the count", "/ f32(pixels)", "/ f32(WINDOW_HEIGHT * WINDOW_WIDTH)"),
        mutation("the first window", "(at - size) / stride + 1", "(at - size) / stride"),
        mutation("windows from the first on", "at >= size)", "at > size)"),
        mutation("the last window", "at / stride + 1, count", "at / stride, count"),
        mutation("the end of the windows", "min(at / stride + 1, count)", "at / stride + 1"),
        mutation("rows above the image", "% HEIGHT + PAD_TOP,", "% HEIGHT,"),
        mutation("columns left of the image", "% WIDTH + PAD_LEFT,", "% WIDTH,"),
        mutation("the image's address", "(first_row + y)", "y"),
        mutation("the channel", "* CHANNELS + at % CHANNELS]", "* CHANNELS]"),
        mutation("the ReLU mask", "value > 0.0", "value >= 0.0"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the tail", "HEIGHT * WIDTH * CHANNELS {", "HEIGHT * WIDTH * CHANNELS - 1 {"),
    ];
    all_go_red("average_pool_backward", &mutations);
}
