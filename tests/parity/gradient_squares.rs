//! `shaders/gradient_squares.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{GRADIENT, WORKGROUP_SUM};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("gradient_squares");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("the square", "g * g", "g"),
        mutation("the tail", "index < variable.words", "index + 1 < variable.words"),
        mutation("the workgroup's sum", "squares[own]", "squares[0]"),
        mutation("the last workgroup", "own >= WORKGROUPS", "own >= WORKGROUPS - 1"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
        mutation("the variable", "variables[own]", "variables[0]"),
        mutation("the place in the variable", "(own - variables[row])", "own"),
    ];
    all_go_red("gradient_squares", &own.into_iter().chain(GRADIENT).chain(WORKGROUP_SUM).collect::<Vec<Mutation>>());
}
