//! `shaders/ceiling_arithmetic.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("ceiling_arithmetic");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the quarters", "quarter < 4", "quarter < 3"),
        mutation("the rounds", "round < ROUNDS", "round + 1 < ROUNDS"),
        mutation("a step", "return fma(x, factor, addend);", "return x;"),
        mutation("a chain", "var b = a + 4.0;", "var b = a + 5.0;"),
        mutation("the sum of chains", "dot(a + b + c + d,", "dot(a + b + c + c,"),
        mutation("the address", "group.x * THREADS + thread.x", "thread.x"),
    ];
    all_go_red("ceiling_arithmetic", &mutations);
}
