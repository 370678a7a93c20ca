//! `shaders/weigh_moments.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("weigh_moments");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the weight", "*= weight", "*= 1.0"),
        mutation("the first micro-batch", "(FIRST + number)", "(number)"),
        mutation("rows of a micro-batch", "min(max(rows, done) - done, MICRO_BATCH)", "MICRO_BATCH"),
        mutation("all rows", "/ f32(rows)", "/ f32(BATCH)"),
        mutation("rows of a short batch", "min(max(progress.samples, before) - before, BATCH)", "BATCH"),
        mutation("the batch's place", "progress.batch * BATCH", "0u"),
        mutation("a micro-batch's place", "number * MICRO_BATCH_STRIDE", "0u"),
        mutation("the last micro-batch", "number < MICRO_BATCHES", "number + 1 < MICRO_BATCHES"),
        mutation("the normalisation", "table[own];", "table[0];"),
        mutation("the place in it", "(own - table[place])", "own"),
        mutation("the tail", "index >= table[place + 1]", "index >= table[place + 1] - 1"),
        mutation("the first of a micro-batch's", "table[place + 3] + number", "0 + number"),
        mutation("the last workgroup", "own >= WORKGROUPS ||", "own >= WORKGROUPS - 1 ||"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
        mutation("no rows at all", "own >= WORKGROUPS || rows == 0", "own >= WORKGROUPS"),
    ];
    all_go_red("weigh_moments", &mutations);
}
