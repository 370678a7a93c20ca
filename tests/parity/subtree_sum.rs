//! `shaders/subtree_sum.wgsl` against its CPU reference, over real numbers: their sums tell in which order they were made.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("subtree_sum");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum", "sum = waiting[height] + sum;", "sum = waiting[height];"),
        mutation("what waits", "waiting[height] = sum;", "waiting[0] = sum;"),
        mutation("how often", "left = joins[subtree]", "left = min(joins[subtree], 1u)"),
        mutation("the order", "left = joins[subtree]", "left = min(subtree, 1u)"),
        mutation("the subtree", "subtree * WORDS + at", "at"),
        mutation("the last subtree", "subtree < SUBTREES", "subtree + 1 < SUBTREES"),
        mutation("the tail", "at >= WORDS", "at >= WORDS - 1"),
        mutation("the second row of workgroups", "(group.y * GRID_WIDTH + group.x)", "group.x"),
    ];
    all_go_red("subtree_sum", &mutations);
}
