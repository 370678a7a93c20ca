//! `shaders/pool_forward.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("pool_forward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the first of equals", "value > largest", "value >= largest"),
        mutation("the element's row", "(element_y * WIDTH + element_x)", "element_x"),
        mutation("the element's column", "(element_y * WIDTH + element_x)", "element_y * WIDTH"),
        mutation("the first element inside", "max(y, PAD_TOP) - y", "max(y, PAD_TOP) - y + 1"),
        mutation("its row", "input[corner + (outside.x * WIDTH + outside.y)", "input[corner + (outside.y)"),
        mutation("its column", "input[corner + (outside.x * WIDTH + outside.y)", "input[corner + (outside.x * WIDTH)"),
        mutation("its number", "outside.x * WINDOW_WIDTH + outside.y;", "outside.y;"),
        mutation("rows outside", "y + element_y - PAD_TOP >= HEIGHT", "y + element_y - PAD_TOP > HEIGHT"),
        mutation("columns outside", "x + element_x - PAD_LEFT >= WIDTH", "x + element_x - PAD_LEFT > WIDTH"),
        mutation("the rows above", "(image * HEIGHT + y - PAD_TOP)", "(image * HEIGHT + y)"),
        mutation("the columns before", "+ x - PAD_LEFT)", "+ x)"),
        mutation(
            "the last element",
            "element < WINDOW_HEIGHT * WINDOW_WIDTH",
            "element + 1 < WINDOW_HEIGHT * WINDOW_WIDTH",
        ),
        mutation("the stride", "% OUTPUT_WIDTH * STRIDE_X", "% OUTPUT_WIDTH"),
        mutation("the image's address", "(image * HEIGHT + y - PAD_TOP)", "(y - PAD_TOP)"),
        mutation("the channel", "* CHANNELS + channel;", "* CHANNELS;"),
        mutation("argmax", "winner = element;", "winner = 1u;"),
        mutation("the tail", "at >= OUTPUTS", "at >= OUTPUTS - 1"),
    ];
    all_go_red("pool_forward", &mutations);
}
