//! `shaders/conv_forward.wgsl` against its CPU reference.

use gpu_fmnist::gemm::DeviceClass;

use crate::holds;
use crate::mutation::{STAGED, UNSTAGED, all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("conv_forward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the input's address", "(image * HEIGHT + y)", "y"),
        mutation("the weights' address", "weights[row * FILTERS + min(column, FILTERS - 1)]", "weights[row * FILTERS]"),
        mutation(
            "the output's address",
            "position) * FILTERS + column]",
            "position) * FILTERS + FILTERS - 1 - column]",
        ),
        mutation(
            "the tap's y",
            "let kernel_y = depth / (KERNEL_WIDTH * CHANNELS);",
            "let kernel_y = KERNEL_HEIGHT - 1 - depth / (KERNEL_WIDTH * CHANNELS);",
        ),
        mutation("the tap's x", "depth / CHANNELS % KERNEL_WIDTH", "depth % KERNEL_WIDTH"),
        mutation("the channel of a tile in one tap", "select(0u, within, ONE_TAP)", "0u"),
        mutation("the padding", "kernel_x - PAD_LEFT < WIDTH", "kernel_x - PAD_LEFT <= WIDTH"),
        mutation("the stride along y", "element / POOL) * STRIDE_Y", "element / POOL)"),
        mutation("the stride along x", "element % POOL) * STRIDE_X", "element % POOL)"),
        mutation("the tail of the depth", "DEPTH % DEPTH_TILE == 0 || depth < DEPTH", "true"),
        mutation("the tail of the rows", "position < POSITIONS {", "position + 1 < POSITIONS {"),
        mutation("the tail of the columns", "if column < FILTERS", "if column + 1 < FILTERS"),
        mutation("the bias", "kernel_value(DEPTH, first_column", "kernel_value(0u, first_column"),
        mutation("no bias", "BIAS == 1 && PARTITIONS == 1", "PARTITIONS == 1"),
        mutation("the ReLU", "max(value, 0.0)", "max(value, -0.5)"),
        mutation("the sum over tiles", "+ j] += total;", "+ j] = total;").only(&UNSTAGED),
        mutation("the sum over staged tiles", "] += block[own];", "] = block[own];").only(&STAGED),
        mutation("the pool", "candidate > largest", "candidate < largest"),
        mutation("the first of equals in the pool", "candidate > largest", "candidate >= largest"),
        mutation("what ReLU makes zero has no winner", "select(winner, NO_WINNER,", "select(winner, winner,"),
        mutation("what ReLU leaves has a winner", "NO_WINNER, value <= 0.0", "NO_WINNER, value <= 1.0"),
        mutation("the position in a word of argmax", "+ position % POSITIONS_PER_WORD)", ")").only(&UNSTAGED),
        mutation("the filter in a word of argmax", "filter_index % FILTERS_PER_WORD *", "0 *").only(&STAGED),
        mutation("the rows of argmax", "position / POSITIONS_PER_WORD * WORDS_OF_ROW +", ""),
        mutation("the words of a row of argmax", "+ filter_index / FILTERS_PER_WORD", ""),
        mutation("the first filter of a word", "if j % FILTERS_PER_WORD == 0", "if j == 0")
            .only(&[DeviceClass::SwiftShader]),
        mutation("a word that is not full", " || column == FILTERS - 1", "").only(&STAGED),
        mutation("the partition", "let begin = partition_index * PARTITION_DEPTH;", "let begin = 0u;").only(&STAGED),
        mutation("a thread's row in its block", "lane / 16 * 2 + lane % 2", "lane / 16 * 2").only(&STAGED),
        mutation("a thread's block", "block % blocks_high * 4", "0").only(&STAGED),
        mutation("the partition's address", "(partition_index * POSITIONS + position)", "position").only(&STAGED),
        mutation(
            "the staged kernel",
            "kernel_value(first_depth + depth, first_column + column);",
            "kernel_value(depth, first_column + column);",
        )
        .only(&STAGED),
        mutation(
            "the kernel that is not staged",
            "kernel_value(first_depth + depth, first_column + own_column + j",
            "kernel_value(depth, first_column + own_column + j",
        )
        .only(&UNSTAGED),
        mutation("what the loop carries", "min(value, 0x7fffffffu)", "min(value, 1u)").only(&[DeviceClass::Software]),
        mutation("the accumulators", "var accumulator = 1u;", "var accumulator = 2u;").only(&[DeviceClass::Software]),
        mutation("surplus workgroups", "ROWS / TILE_ROWS % GRID_WIDTH == 0", "true").only(&[DeviceClass::OldSoftware]),
    ];
    all_go_red("conv_forward", &mutations);
}
