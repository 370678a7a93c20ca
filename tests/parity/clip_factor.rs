//! `shaders/clip_factor.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::WORKGROUP_SUM;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("clip_factor");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("a thread's first sum", "var place = thread;", "var place = thread + THREADS;"),
        mutation("a thread's next sum", "sum += squares", "sum = squares"),
        mutation("the last sum", "place < SUMS", "place + 1 < SUMS"),
        mutation("the root", "sqrt(sum)", "sum"),
        mutation("the largest norm", "norm > CLIP", "norm > 2.0 * CLIP"),
        mutation("a norm that is small enough", "norm > CLIP", "norm > 0.0"),
        mutation("the factor", "= CLIP / norm", "= 1.0 / norm"),
        mutation("the step's numbers", "progress.batch * NUMBERS", "0"),
        mutation("the number of them", "progress.batch * NUMBERS", "progress.batch"),
        mutation("which of them", "NUMBERS + FACTOR", "NUMBERS"),
    ];
    all_go_red("clip_factor", &own.into_iter().chain(WORKGROUP_SUM).collect::<Vec<Mutation>>());
}
