//! `shaders/batch_norm_gradient_totals.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{LANES, PLACES};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("batch_norm_gradient_totals");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "sums += vec2(partials", "sums = vec2(partials"),
        mutation("gamma's sum read ahead", "added_in_order(sums.x, of_gamma", "added_in_order(0.0, of_gamma"),
        mutation("beta's sum read ahead", "added_in_order(sums.y, of_beta", "added_in_order(sums.y, of_gamma"),
        mutation("the next four partitions", "part += 4 * LANES", "part += 3 * LANES"),
        mutation("a turn's partition", "vec4(0u, 1u, 2u, 3u) * LANES", "vec4(0u, 1u, 2u, 2u) * LANES"),
        mutation("the turns that are left", "- part + LANES - 1) / LANES", "- part) / LANES"),
        mutation("gamma's partials", "partials[2 * part * CHANNELS", "partials[(2 * part + 1) * CHANNELS"),
        mutation("the next partition", "part += LANES)", "part += LANES + 1)"),
        mutation(
            "the last partition",
            "READ_AHEAD == 0 && part < PARTITIONS",
            "READ_AHEAD == 0 && part + 1 < PARTITIONS",
        ),
        mutation(
            "beta's place",
            "totals[CHANNELS + own.channel] = sums.y;",
            "totals[CHANNELS + own.channel] = sums.x;",
        ),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(LANES).collect();
    all_go_red("batch_norm_gradient_totals", &mutations);
}
