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
        mutation("the sum", "sums += terms(affine_of, x[at]", "sums = terms(affine_of, x[at]"),
        mutation("the sum read ahead", "sums += terms(affine_of, values.z", "sums = terms(affine_of, values.z"),
        mutation("the other value read ahead", "others = vec4(other[at.x]", "others = vec4(other[at.y]"),
        mutation("the gradient read ahead", "vec4(output_gradient[at.x], ", "vec4(output_gradient[at.y], "),
        mutation(
            "the fourth position read ahead",
            "values.w, gradients.w, others.w, positions.w",
            "values.w, gradients.w, others.w, positions.x",
        ),
        mutation(
            "the positions read ahead",
            "(4 * round + vec4(0u, 1u, 2u, 3u))",
            "(3 * round + vec4(0u, 1u, 2u, 3u))",
        ),
        mutation("what counts", "of_other, position < real)", "of_other, position <= real)"),
        mutation("the normalised value", "value * affine_of.y + affine_of.z;", "value;"),
        mutation("the value added ahead", "given += of_other;", "given += 0.0;"),
        mutation("the slope", "gradient *= slope(given);", "gradient *= 1.0;"),
        mutation("the partition's positions", "group.x * PARTITION + own.lane + round", "own.lane + round"),
        mutation("a round's positions", "round * LANES", "0 * LANES"),
        mutation("the last round", "round < 4 * ROUNDS", "round + 1 < 4 * ROUNDS"),
        mutation("the place of the sums", "partials[(2 * group.x + 1) * CHANNELS", "partials[(2 * group.x) * CHANNELS"),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(POSITIONS).chain(LANES).collect();
    all_go_red("batch_norm_gradient_sums", &mutations);
}
