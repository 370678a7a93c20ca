//! `shaders/batch_norm_gradient_sums.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{LANES, PLACES, POSITIONS};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("batch_norm_gradient_sums");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the distance from the mean", "gradient * (value - affine_of.x)", "gradient * value"),
        mutation("the deviation", "sums.x * affine[CHANNELS + own.channel]", "sums.x"),
        mutation("the sum", "sums += terms(affine_of, values.z", "sums = terms(affine_of, values.z"),
        mutation("the other value", "others = vec4(other[at.x]", "others = vec4(other[at.y]"),
        mutation("the gradient", "vec4(output_gradient[at.x], ", "vec4(output_gradient[at.y], "),
        mutation(
            "the fourth position",
            "values.w, gradients.w, others.w, counts.w",
            "values.w, gradients.w, others.w, counts.x",
        ),
        mutation("a round's positions", "(4 * round + vec4(0u, 1u, 2u, 3u))", "(3 * round + vec4(0u, 1u, 2u, 3u))"),
        mutation("what counts", "positions < vec4(real)", "positions <= vec4(real)"),
        mutation("the normalised value", "value * affine_of.y + affine_of.z;", "value;"),
        mutation("the value added ahead", "given += of_other;", "given += 0.0;"),
        mutation("the slope", "gradient *= slope(given);", "gradient *= 1.0;"),
        mutation("the partition's positions", "group.x * PARTITION + own.lane", "own.lane"),
        mutation("the last round", "round < ROUNDS", "round + 1 < ROUNDS"),
        mutation("the place of the sums", "partials[(2 * group.x + 1) * CHANNELS", "partials[(2 * group.x) * CHANNELS"),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(POSITIONS).chain(LANES).collect();
    all_go_red("batch_norm_gradient_sums", &mutations);
}
