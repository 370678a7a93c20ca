//! `shaders/pointwise_backward.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{PLACES, POSITIONS, SLOPES};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("pointwise_backward");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the scale", "gradient = scale * gradient - offset", "gradient = gradient - offset"),
        mutation("the mean gradient", "scale * gradient - offset - tilt", "scale * gradient - tilt"),
        mutation("the tilt", "- tilt * value", "+ tilt * value"),
        mutation("the mean", "- tilt * affine[own.channel]", "- 0.5 * tilt * affine[own.channel]"),
        mutation(
            "the gradient of beta",
            "offset = scale * totals[CHANNELS + own.channel]",
            "offset = scale * totals[own.channel]",
        ),
        mutation("the gradient of gamma", "* totals[own.channel] / count", "* totals[CHANNELS + own.channel] / count"),
        mutation("the deviation", "tilt = scale * affine[CHANNELS + own.channel] *", "tilt = scale *"),
        mutation("the positions that count", "count = f32(real)", "count = f32(POSITIONS)"),
        mutation("the normalised value", "given = value * scale + shift;", "given = value;"),
        mutation("the value added ahead", "given += other[at];", "given += 0.0;"),
        mutation("the slope", "gradient *= slope(given);", "gradient *= 1.0;"),
        mutation(
            "a value added ahead",
            "of_other = gradient;\n                }",
            "of_other += 0.0;\n                }",
        ),
        mutation("a value added behind", "if AFTER == 0 {", "if AFTER < 2 {"),
        mutation("the other one's mask", "other[at] > 0.0);", "other[at] >= 0.0);"),
        mutation("the other one's dropout", "of_other * OTHER_SCALE", "of_other"),
        mutation("the other one's rows that do not count", "select(0.0, of_other, position < real)", "of_other"),
        mutation("the mask", "gradient = masked(gradient, value);", "gradient = gradient;"),
        mutation("the mask's dropout", "gradient * SCALE", "gradient"),
        mutation("rows that do not count", "select(0.0, gradient, position < real)", "gradient"),
        mutation("the tail", "position < POSITIONS &&", "position + 1 < POSITIONS &&"),
        mutation("a thread's next position", "first + turn * LANES", "first"),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(POSITIONS).chain(SLOPES).collect();
    all_go_red("pointwise_backward", &mutations);
}
