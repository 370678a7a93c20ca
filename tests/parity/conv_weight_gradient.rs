//! `shaders/conv_weight_gradient.wgsl` against its CPU reference.

use gpu_fmnist::gemm::DeviceClass;

use crate::holds;
use crate::mutation::{STAGED, UNSTAGED, all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("conv_weight_gradient");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the input's address", "(image * HEIGHT + y)", "y"),
        mutation("the gradient's address", "position * FILTERS + min(column, FILTERS - 1)", "position * FILTERS"),
        mutation(
            "the output's address",
            "(partition_start + row) * FILTERS",
            "(partition_start + DEPTH - 1 - row) * FILTERS",
        ),
        mutation("the tap's y", "let y = depth / (KERNEL_WIDTH * CHANNELS);", "let y = 0u;"),
        mutation("the tap's x", "depth / CHANNELS % KERNEL_WIDTH", "depth % KERNEL_WIDTH"),
        mutation("the channel", "* CHANNELS + depth % CHANNELS", "* CHANNELS"),
        mutation("the padding", "y < HEIGHT && x < WIDTH", "y < HEIGHT && x <= WIDTH"),
        mutation("the stride along y", "element / POOL) * STRIDE_Y", "element / POOL)"),
        mutation("the stride along x", "element % POOL) * STRIDE_X", "element % POOL)"),
        mutation("the tail of the positions", "UNEVEN && position >= end", "UNEVEN && position > end"),
        mutation("the tail of the rows", "row < DEPTH {", "row + 1 < DEPTH {"),
        mutation("the tail of the columns", "if column < FILTERS", "if column + 1 < FILTERS"),
        mutation("the staged pool", "gradient, winner == element", "gradient, winner <= element").only(&STAGED),
        mutation("the pool that is not staged", "POOL == 1 || winner == element", "POOL == 1 || winner <= element")
            .only(&UNSTAGED),
        mutation("the position in a word of argmax", "+ position % POSITIONS_PER_WORD)", ")").only(&UNSTAGED),
        mutation("the filter in a word of argmax", "filter_index % FILTERS_PER_WORD *", "0 *").only(&STAGED),
        mutation("the rows of argmax", "position / POSITIONS_PER_WORD * WORDS_OF_ROW +", ""),
        mutation("the words of a row of argmax", "+ filter_index / FILTERS_PER_WORD", ""),
        mutation(
            "the staged bias without a winner",
            "bias_sums[load] += select(0.0, gradient, winner < WINDOW_ELEMENTS)",
            "bias_sums[load] += gradient",
        )
        .only(&STAGED),
        mutation(
            "the bias without a winner",
            "bias_sums[j] += select(0.0, gradient, winner < WINDOW_ELEMENTS)",
            "bias_sums[j] += gradient",
        )
        .only(&UNSTAGED),
        mutation("the staged bias", "bias_sums[load] += select", "bias_sums[load] = select").only(&STAGED),
        mutation("the bias that is not staged", "bias_sums[j] += select", "bias_sums[j] = select").only(&UNSTAGED),
        mutation("the sum of the staged bias", "total += scratch", "total = scratch").only(&STAGED),
        mutation("the sum over tiles", "+ j] += total;", "+ j] = total;").only(&UNSTAGED),
        mutation("the sum over staged tiles", "] += block[own];", "] = block[own];").only(&STAGED),
        mutation("the partition", "let begin = partition_index * PARTITION_POSITIONS;", "let begin = 0u;"),
        mutation(
            "the partition's address",
            "let partition_start = partition_index * (DEPTH + BIAS);",
            "let partition_start = 0u;",
        ),
        mutation("a partition without a bias", "(DEPTH + BIAS);", "(DEPTH + 1);"),
        mutation("no bias that is not staged", "if BIAS == 1 && STAGE_B == 0", "if STAGE_B == 0").only(&UNSTAGED),
        mutation("no staged bias", "if BIAS == 1 && STAGE_B == 1", "if STAGE_B == 1").only(&STAGED),
        mutation("what the loop carries", "min(value, 0x7fffffffu)", "min(value, 1u)").only(&[DeviceClass::Software]),
        mutation("the accumulators", "var accumulator = 1u;", "var accumulator = 2u;").only(&[DeviceClass::Software]),
        mutation("surplus workgroups", "DEPTH / TILE_ROWS % GRID_WIDTH == 0", "true").only(&[DeviceClass::OldSoftware]),
    ];
    all_go_red("conv_weight_gradient", &mutations);
}
