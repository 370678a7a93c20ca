//! `shaders/pointwise.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::{ACTIVATIONS, PLACES};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("pointwise");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the scale", "value * scale + shift", "value + shift"),
        mutation("the shift", "value * scale + shift", "value * scale"),
        mutation("the scale's row", "affine[2 * CHANNELS", "affine[CHANNELS"),
        mutation("the shift's row", "affine[3 * CHANNELS", "affine[2 * CHANNELS + 1"),
        mutation(
            "the value added ahead",
            "if BEFORE == 1 {\n                value += other[at];",
            "if BEFORE == 1 {\n                value += 0.0;",
        ),
        mutation(
            "the value added behind",
            "if AFTER == 1 {\n                value += other[at];",
            "if AFTER == 1 {\n                value += 0.0;",
        ),
        mutation("the activation", "value = activate(value);", "value = value;"),
        mutation("the tail", "position < POSITIONS &&", "position + 1 < POSITIONS &&"),
        mutation("a thread's next position", "first + turn * LANES", "first"),
        mutation("the workgroup's positions", "group.x * LANES * POSITIONS_PER_THREAD", "group.x * LANES"),
        mutation("a thread's last position", "turn < POSITIONS_PER_THREAD", "turn + 1 < POSITIONS_PER_THREAD"),
    ];
    let mutations: Vec<Mutation> = mutations.into_iter().chain(PLACES).chain(ACTIVATIONS).collect();
    all_go_red("pointwise", &mutations);
}
