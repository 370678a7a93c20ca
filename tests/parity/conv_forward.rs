//! `shaders/conv_forward.wgsl` against its twin.

use crate::{goes_red, holds};

#[test]
fn agrees_with_its_twin() {
    holds("conv_forward");
}

#[test]
fn a_broken_shader_is_noticed() {
    goes_red("conv_forward", "candidate > largest", "candidate < largest");
}

/// Every slot has its own run of the depth.
#[test]
fn wrong_slots_are_noticed() {
    goes_red("conv_forward", "let begin = slot * SLOT_DEPTH;", "let begin = 0u;");
}

/// More workgroups than one direction of a dispatch holds: those that are too many must not write.
#[test]
fn surplus_workgroups_are_noticed() {
    goes_red("conv_forward", "ROWS / TILE_ROWS % GRID_WIDTH == 0", "true");
}
