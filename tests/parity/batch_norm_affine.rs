//! `shaders/batch_norm_affine.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{LANES, PLACES, POSITIONS};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("batch_norm_affine");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum of partitions", "sum += partials[", "sum = partials["),
        mutation("the sum of partitions read ahead", "added_in_order(sum, first,", "added_in_order(0.0, first,"),
        mutation("four more of them", "sum = added_in_order(sum, second,", "let none = added_in_order(sum, second,"),
        mutation("the next eight", "part += 8 * LANES", "part += 7 * LANES"),
        mutation("the next four", "part += 4 * LANES", "part += 3 * LANES"),
        mutation("the squares read ahead", "own_squares = four_partials(1,", "own_squares = four_partials(0,"),
        mutation("the counts read ahead", "vec4(PARTITION)));", "vec4(1u)));"),
        mutation("the sum of squares read ahead", "added_in_order(squares, own", "added_in_order(0.0, own"),
        mutation("a turn's partition", "vec4(0u, 1u, 2u, 3u) * LANES", "vec4(0u, 1u, 2u, 2u) * LANES"),
        mutation("the turns that are left", "- part + LANES - 1) / LANES", "- part) / LANES"),
        mutation("the squares", "squares += partials[(2 * part + 1)", "squares += partials[(2 * part)"),
        mutation("the sum of squares", "squares += partials[", "squares = partials["),
        mutation("the distance of a partition", "+ count * distance * distance", "+ distance * distance"),
        mutation("a partition's count", "min(real - part * PARTITION, PARTITION)", "PARTITION"),
        mutation("a partition's mean", "/ count - sum / all", "- sum / all"),
        mutation("the mean of all", "mean = sum / all;", "mean = sum;"),
        mutation("the variance of all", "variance = squares / all;", "variance = squares;"),
        mutation("the partitions that count", "(real + PARTITION - 1) / PARTITION", "PARTITIONS"),
        mutation(
            "the next partition of the sum",
            "part += LANES) {\n                sum +=",
            "part += LANES + 1) {\n                sum +=",
        ),
        mutation("the moving mean", "variables[MOVING * CHANNELS", "variables[0 * CHANNELS"),
        mutation("the moving variance", "variables[(MOVING + 1) * CHANNELS", "variables[MOVING * CHANNELS"),
        mutation("epsilon", "sqrt(variance + EPSILON);", "sqrt(variance);"),
        mutation("gamma", "scale *= variables[channel];", "scale *= 1.0;"),
        mutation("the mean that is taken away", "-mean * scale", "mean * scale"),
        mutation("beta's place", "variables[HAS_GAMMA * CHANNELS", "variables[0 * CHANNELS"),
        mutation("the mean's place", "affine[channel] = mean;", "affine[channel] = inverse;"),
        mutation("the inverse", "affine[CHANNELS + channel] = inverse;", "affine[CHANNELS + channel] = mean;"),
        mutation(
            "the place of the moments",
            "moments[CHANNELS + channel] = variance;",
            "moments[CHANNELS + channel] = mean;",
        ),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(POSITIONS).chain(LANES).collect();
    all_go_red("batch_norm_affine", &mutations);
}
