//! `shaders/clip_factor.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{SQUARES, WORKGROUP_SUM};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("clip_factor");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("the root", "sqrt(sum)", "sum"),
        mutation("the largest norm", "norm > CLIP", "norm > 2.0 * CLIP"),
        mutation("a norm that is small enough", "norm > CLIP", "norm > 0.0"),
        mutation("the factor", "= CLIP / norm", "= 1.0 / norm"),
    ];
    all_go_red("clip_factor", &own.into_iter().chain(SQUARES).chain(WORKGROUP_SUM).collect::<Vec<Mutation>>());
}
