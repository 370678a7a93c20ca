//! `shaders/sgd.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};
use crate::parts::of_update;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("sgd");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("the rate", "number(0) * clipped", "clipped"),
        mutation("the direction", "decayed(variable, at) -", "decayed(variable, at) +"),
        mutation("clipping", "clipped(gradient_of(variable, index))", "gradient_of(variable, index)"),
        mutation("decay", "= decayed(variable, at)", "= weights[at]"),
        mutation("the variable's place", "variable.first_value + index", "index"),
    ];
    all_go_red("sgd", &of_update(&own));
}
