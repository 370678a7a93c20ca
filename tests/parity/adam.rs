//! `shaders/adam.wgsl` against its twin.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_twin() {
    holds("adam");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("epsilon", "(sqrt(v) + 1e-7);", "(sqrt(v) + 1e-8);"),
        mutation("the first moment", "0.1 * (slope", "0.101 * (slope"),
        mutation("the second moment", "0.001 * (slope", "0.00101 * (slope"),
        mutation("the square", "slope * slope", "slope * 1.0"),
        mutation("the rate", "rates[progress.batch]", "rates[0]"),
        mutation("the sum over slots", "slope += gradient[", "slope = gradient["),
        mutation("a slot's address", "slot % SLOTS * VALUES + at", "at"),
        mutation("a portion's address", "slot / SLOTS * PORTION_STRIDE + slot", "slot"),
        mutation("what is kept", "first_moment[at] = m;", "first_moment[at] = slope;"),
        mutation("the tail", "at >= VALUES", "at >= VALUES - 1"),
        mutation("the second row of workgroups", "(group.y * GRID_WIDTH + group.x)", "group.x"),
    ];
    all_go_red("adam", &mutations);
}
