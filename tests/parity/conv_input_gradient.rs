//! `shaders/conv_input_gradient.wgsl` against its CPU reference.

use gpu_fmnist::gemm::DeviceClass;

use crate::holds;
use crate::mutation::{STAGED, UNSTAGED, all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("conv_input_gradient");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the gradient's address", "image * POOLED_HEIGHT * POOLED_WIDTH);", "0u);"),
        mutation("the weights' address", "min(channel, CHANNELS - 1) * FILTERS + tap", "tap"),
        mutation("the output's address", "* CHANNELS + channel;", "* CHANNELS + CHANNELS - 1 - channel;"),
        mutation("the tap", "kernel_y * KERNEL_WIDTH + kernel_x;", "kernel_y * KERNEL_WIDTH;"),
        mutation(
            "the tap's y",
            "(phase_y + PAD_TOP) / STRIDE_Y - kernel_y / STRIDE_Y",
            "(phase_y + PAD_TOP) / STRIDE_Y",
        ),
        mutation(
            "the tap's x",
            "(phase_x + PAD_LEFT) / STRIDE_X - kernel_x / STRIDE_X",
            "(phase_x + PAD_LEFT) / STRIDE_X",
        ),
        mutation("the padding", "var kernel_x = (phase_x + PAD_LEFT) % STRIDE_X", "var kernel_x = phase_x"),
        mutation("the stride along y", "kernel_y += STRIDE_Y", "kernel_y += 1u"),
        mutation("the stride along x", "kernel_x += STRIDE_X", "kernel_x += 1u"),
        mutation("the phase", "% PHASE_HEIGHT * STRIDE_Y + phase_y", "% PHASE_HEIGHT * STRIDE_Y"),
        mutation("the border", "x >= POOLED_WIDTH * POOL", "x > POOLED_WIDTH * POOL"),
        mutation("the tail of the filters", "filter_index >= FILTERS", "filter_index > FILTERS"),
        mutation("the tail of the rows", "row < ROWS && y", "row + 1 < ROWS && y"),
        mutation("whether all rows are some", "ROWS % TILE_ROWS == 0 &&", "")
            .only(&[DeviceClass::Gpu, DeviceClass::OldSoftware]),
        mutation("whether phases are equal", "EVEN_PHASES &&", "").only(&[DeviceClass::Software, DeviceClass::Cpu]),
        mutation("the tail of the columns", "channel < CHANNELS {", "channel + 1 < CHANNELS {"),
        mutation("the pool", "winner == source.y", "winner <= source.y"),
        mutation("the position in a word of argmax", "+ position % POSITIONS_PER_WORD)", ")").only(&UNSTAGED),
        mutation("the filter in a word of argmax", "filter_index % FILTERS_PER_WORD *", "0 *").only(&STAGED),
        mutation("the rows of argmax", "position / POSITIONS_PER_WORD * WORDS_OF_ROW +", ""),
        mutation("the words of a row of argmax", "+ filter_index / FILTERS_PER_WORD", ""),
        mutation("the ReLU mask", "value > 0.0", "value >= 0.0"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the sum over taps", "+ j] += total;", "+ j] = total;").only(&UNSTAGED),
        mutation("the sum over staged taps", "] += block[own];", "] = block[own];").only(&STAGED),
        mutation(
            "the staged kernel",
            "let value = kernel_value(tap, first_column + column, first_filter + depth)",
            "let value = kernel_value(tap, first_column + column, first_filter)",
        )
        .only(&STAGED),
        mutation(
            "the kernel that is not staged",
            "own_column + j, first_filter + depth);",
            "own_column + j, first_filter);",
        )
        .only(&UNSTAGED),
        mutation("what the loop carries", "min(value, 0x7fffffffu)", "min(value + 1, 0x7fffffffu)")
            .only(&[DeviceClass::Software]),
        mutation("the accumulators", "var accumulator = 1u;", "var accumulator = 2u;").only(&[DeviceClass::Software]),
        mutation("the second row of workgroups", "(group.y * GRID_WIDTH + group.x)", "group.x")
            .only(&[DeviceClass::OldSoftware]),
    ];
    all_go_red("conv_input_gradient", &mutations);
}
