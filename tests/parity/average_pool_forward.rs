//! `shaders/average_pool_forward.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("average_pool_forward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "sum += input", "sum = input"),
        mutation("the count", "(rows.y - rows.x) * (columns.y - columns.x)", "WINDOW_HEIGHT * WINDOW_WIDTH"),
        mutation("rows above the image", "max(first, pad) - pad", "max(first, pad)"),
        mutation("rows below the image", "min(first + size - pad, length)", "first + size - pad"),
        mutation("windows that only reach beyond the end", "!PADDED", "PAD_TOP + PAD_LEFT == 0"),
        mutation("the stride", "let first = at * stride;", "let first = at;"),
        mutation("the image's address", "(first_row + y)", "y"),
        mutation("the channel", "* CHANNELS + at % CHANNELS", "* CHANNELS"),
        mutation("the tail", "OUTPUT_WIDTH * CHANNELS {", "OUTPUT_WIDTH * CHANNELS - 1 {"),
    ];
    all_go_red("average_pool_forward", &mutations);
}
