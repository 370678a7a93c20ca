//! `shaders/pooled_input_gradient.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("pooled_input_gradient");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the gradient's address", "clamped * FILTERS + column", "clamped * FILTERS"),
        mutation("the position in a word of argmax", "+ position % POSITIONS_PER_WORD)", ")"),
        mutation("the filter in a word of argmax", "filter_index % FILTERS_PER_WORD *", "0 *"),
        mutation("the rows of argmax", "position / POSITIONS_PER_WORD * WORDS_OF_ROW +", ""),
        mutation("the words of a row of argmax", "+ filter_index / FILTERS_PER_WORD", ""),
        mutation(
            "the tail of the filters",
            "first_filter + FILTER_TILE, FILTERS)",
            "first_filter + FILTER_TILE, FILTERS + 1)",
        ),
        mutation("the next images", "group.x * ROWS * POOLED_WIDTH", "0u"),
        mutation("the next channels", "group.y * CHANNEL_LANES", "0u"),
        mutation("the kernel's address", "(place / CHANNEL_LANES * CHANNELS + channel)", "channel"),
        mutation("the kernel's channel", "first_channel + place % CHANNEL_LANES, CHANNELS", "first_channel, CHANNELS"),
        mutation("the kernel's filter", "first_filter + word % FILTER_TILE, FILTERS", "first_filter, FILTERS"),
        mutation("the next filters' gradients", "first_filter + place % FILTER_TILE);", "place % FILTER_TILE);"),
        mutation("a filter of the tile", "column * KERNEL_STEP + tap", "tap"),
        mutation(
            "the row of positions",
            "(row * POOLED_WIDTH + x) * FILTER_TILE",
            "(0 * POOLED_WIDTH + x) * FILTER_TILE",
        ),
        mutation("the winner", "if own.y == element", "if own.y <= element"),
        mutation("the winner's row", "element / POOL * STRIDE_Y + tap", "tap"),
        mutation("the winner's column", "element % POOL * STRIDE_X + tap", "tap"),
        mutation("the position's place", "x * STEP_X +", "0 * STEP_X +"),
        mutation("the tap's row", "tap / KERNEL_WIDTH;", "0u;"),
        mutation("the sum", "fma(gradient, kernel[tap], sums[at])", "gradient * kernel[tap]"),
        mutation("the image", "group.x * IMAGES + row / POOLED_HEIGHT", "group.x * IMAGES"),
        mutation("the rows above", "if above <= pooled_y", "if above < pooled_y"),
        mutation("a row above", "thread - above * CHANNEL_LANES", "thread"),
        mutation("the sum of rows", "total += kernels[", "total = kernels["),
        mutation("a row's place", "pooled_y * STEP_Y + region_y", "pooled_y * STEP_Y"),
        mutation("the padding above", "region_y - PAD_TOP", "region_y"),
        mutation("the padding at the left", "column - PAD_LEFT", "column"),
        mutation("the last row's own", "pooled_y == POOLED_HEIGHT - 1", "pooled_y == POOLED_HEIGHT"),
        mutation("an image that there is none of", "own && image < BATCH", "own && image <= BATCH"),
        mutation("the right border", "x < WIDTH", "x <= WIDTH"),
        mutation("a channel that there is none of", "channel < CHANNELS", "channel <= CHANNELS"),
        mutation("the mask", "RELU_MASK == 1", "RELU_MASK == 2"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
    ];
    all_go_red("pooled_input_gradient", &mutations);
}
