//! `shaders/sgd_momentum.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};
use crate::parts::of_update;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("sgd_momentum");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("the momentum", "MOMENTUM * velocity[at]", "velocity[at]"),
        mutation("the change", "velocity[at] - change", "velocity[at]"),
        mutation("the rate", "number(0) * clipped", "clipped"),
        mutation("clipping", "clipped(gradient_of(variable, index))", "gradient_of(variable, index)"),
        mutation("the velocity that is kept", "velocity[at] = v;", "velocity[at] = change;"),
        mutation("Nesterov's momentum", "NESTEROV == 1", "NESTEROV == 2"),
        mutation("momentum alone", "NESTEROV == 1", "NESTEROV <= 1"),
        mutation("Nesterov's step", "MOMENTUM * v - change", "MOMENTUM * v"),
        mutation("Nesterov's look ahead", "MOMENTUM * v -", "v -"),
        mutation("decay with Nesterov's", "decayed(variable, at) + (", "weights[at] + ("),
        mutation("decay", "decayed(variable, at) + v;", "weights[at] + v;"),
        mutation("the variable's place", "variable.first_value + index", "index"),
    ];
    all_go_red("sgd_momentum", &of_update(&own));
}
