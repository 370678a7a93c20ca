//! `shaders/gradient_sum.wgsl` against its CPU reference, over real numbers: their sums tell in which order they were made.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{EACH_VALUE, GRADIENT};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("gradient_sum");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("the variable's place", "variable.first_value + index]", "index]"),
        mutation("the order of a tree", "countTrailingZeros(~number)", "min(countOneBits(number), 1u)"),
        mutation("all micro-batches one after the other", "countTrailingZeros(~number)", "1u"),
        mutation("a tree at all", "if TREE == 1", "if TREE == 2"),
    ];
    all_go_red("gradient_sum", &own.into_iter().chain(EACH_VALUE).chain(GRADIENT).collect::<Vec<Mutation>>());
}
