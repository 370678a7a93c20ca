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
        mutation("the distance from the mean", "gradient * (value - mean)", "gradient * value"),
        mutation("the deviation", "sums.x * affine[CHANNELS + own.channel]", "sums.x"),
        mutation("the sum", "sums += select(", "sums = select("),
        mutation("what counts", "gradient), position < real)", "gradient), position <= real)"),
        mutation("the normalised value", "value * scale + shift;", "value;"),
        mutation("the value added ahead", "given += other[at];", "given += 0.0;"),
        mutation("the slope", "gradient *= slope(given);", "gradient *= 1.0;"),
        mutation("the partition's positions", "group.x * PARTITION + own.lane", "own.lane"),
        mutation("a round's positions", "round * LANES", "0 * LANES"),
        mutation("the last round", "round < 4 * ROUNDS", "round + 1 < 4 * ROUNDS"),
        mutation("the place of the sums", "partials[(2 * group.x + 1) * CHANNELS", "partials[(2 * group.x) * CHANNELS"),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(POSITIONS).chain(LANES).collect();
    all_go_red("batch_norm_gradient_sums", &mutations);
}
