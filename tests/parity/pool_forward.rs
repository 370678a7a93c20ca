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
        mutation("the element's row", "element / WINDOW_WIDTH * WIDTH + element", "element"),
        mutation("the element's column", "* WIDTH + element % WINDOW_WIDTH)", "* WIDTH)"),
        mutation(
            "the last element",
            "element < WINDOW_HEIGHT * WINDOW_WIDTH",
            "element + 1 < WINDOW_HEIGHT * WINDOW_WIDTH",
        ),
        mutation("the stride", "% OUTPUT_WIDTH * STRIDE_X", "% OUTPUT_WIDTH"),
        mutation("the image's address", "(image * HEIGHT + y)", "y"),
        mutation("the channel", "* CHANNELS + channel;", "* CHANNELS;"),
        mutation("argmax", "winner = element;", "winner = 1u;"),
        mutation("the tail", "at >= OUTPUTS", "at >= OUTPUTS - 1"),
    ];
    all_go_red("pool_forward", &mutations);
}
