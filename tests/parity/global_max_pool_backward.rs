//! `shaders/global_max_pool_backward.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("global_max_pool_backward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the largest", "largest = value;", "largest = max(largest, value - 0.125);"),
        mutation("the first one's count", "equals = 1u;\n        } else", "equals = 2u;\n        } else"),
        mutation("those that are equal", "equals++;", "equals = 1u;"),
        mutation("the last pixel", "pixel = 1u; pixel < PIXELS", "pixel = 1u; pixel + 1 < PIXELS"),
        mutation("the share", "/ f32(equals)", "/ 1.0"),
        mutation("who gets it", "input[place] == largest", "input[place] >= largest - 0.125"),
        mutation("the image's address", "at / CHANNELS * PIXELS * CHANNELS", "at / CHANNELS * CHANNELS"),
        mutation("the ReLU mask", "value > 0.0", "value >= -0.5"),
        mutation("the mask's scale", "gradient * SCALE", "gradient"),
        mutation("the tail", "at >= BATCH * CHANNELS", "at >= BATCH * CHANNELS - 1"),
        mutation("the second row of workgroups", "(group.y * GRID_WIDTH + group.x)", "group.x"),
    ];
    all_go_red("global_max_pool_backward", &mutations);
}
