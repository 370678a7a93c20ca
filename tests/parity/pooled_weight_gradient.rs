//! `shaders/pooled_weight_gradient.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("pooled_weight_gradient");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the input's address", "(image * HEIGHT + y)", "y"),
        mutation("the stride along y", "element / POOL) * STRIDE_Y", "element / POOL)"),
        mutation("the stride along x", "element % POOL) * STRIDE_X", "element % POOL)"),
        mutation("the padding", "corner.y + region_x - PAD_LEFT < WIDTH", "corner.y + region_x - PAD_LEFT <= WIDTH"),
        mutation("the region's rows", "(region_y - PAD_TOP) * WIDTH", "(0 - PAD_TOP) * WIDTH"),
        mutation("the region's columns", "* WIDTH + region_x - PAD_LEFT", "* WIDTH - PAD_LEFT"),
        mutation("the channel", "min(channel, CHANNELS - 1)", "min(channel, 0u)"),
        mutation("the gradient's address", "clamped * FILTERS + column", "clamped * FILTERS"),
        mutation("the position in a word of argmax", "+ position % POSITIONS_PER_WORD)", ")"),
        mutation("the filter in a word of argmax", "filter_index % FILTERS_PER_WORD *", "0 *"),
        mutation("the rows of argmax", "position / POSITIONS_PER_WORD * WORDS_OF_ROW +", ""),
        mutation("the words of a row of argmax", "+ filter_index / FILTERS_PER_WORD", ""),
        mutation("the winner's row", "winner / POOL * STRIDE_Y * REGION_WIDTH", "winner / POOL * STRIDE_Y"),
        mutation("the winner's row with a stride", "winner / POOL * STRIDE_Y *", "winner / POOL *"),
        mutation("the winner's column", "winner % POOL * STRIDE_X", "0u"),
        mutation("the winner's place among channels", "winner % POOL * STRIDE_X) * CHANNEL_LANES", "0u)"),
        mutation("the tail of the positions", "!UNEVEN || position < end", "!UNEVEN || position <= end"),
        mutation("a position without a winner", "wins < WINDOW_ELEMENTS", "true"),
        mutation("a block of channels", "group.x * CHANNEL_LANES", "0u"),
        mutation("a block of filters", "group.y * TILE_FILTERS", "0u"),
        mutation("the partition", "let begin = group.z * PARTITION_POSITIONS;", "let begin = 0u;"),
        mutation("a thread's positions", "step * POSITION_LANES + position_lane", "step * POSITION_LANES"),
        mutation(
            "a thread's filters",
            "j * FILTER_LANES + filter_lane];\n                let gradient",
            "filter_lane];\n                let gradient",
        ),
        mutation("the tap's row", "tap / KERNEL_WIDTH * REGION_WIDTH", "tap / KERNEL_WIDTH * KERNEL_WIDTH"),
        mutation(
            "the sum",
            "fma(gradient, regions[corner + place], sums[j * TERMS + tap])",
            "gradient * regions[corner + place]",
        ),
        mutation("the bias", "TERMS - 1] += gradient;", "TERMS - 1] = gradient;"),
        mutation("the sum of threads", "total += regions[", "total = regions["),
        mutation("a term's row", "term * CHANNELS + channel", "channel"),
        mutation("the bias' row", "DEPTH, term == TAPS)", "0u, term == TAPS)"),
        mutation("the bias of one channel", "select(CHANNELS, 1u, term == TAPS)", "select(CHANNELS, 0u, term == TAPS)"),
        mutation("a partition without a bias", "(group.z * (DEPTH + BIAS) + row)", "(group.z * (DEPTH + 1) + row)"),
        mutation("the tail of the filters", "filter_index < FILTERS", "filter_index + 1 < FILTERS"),
    ];
    all_go_red("pooled_weight_gradient", &mutations);
}
