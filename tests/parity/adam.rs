//! `shaders/adam.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};
use crate::parts::of_update;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("adam");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("epsilon", "sqrt(v) + EPSILON", "sqrt(v) + 0.1 * EPSILON"),
        mutation("the first moment", "STEP_1 * (g", "1.01 * STEP_1 * (g"),
        mutation("the second moment", "STEP_2 * (g", "1.01 * STEP_2 * (g"),
        mutation("the square", "g * g", "g * 1.0"),
        mutation("the rate", "number(0) * m", "number(0) * 0.9 * m"),
        mutation("clipping", "clipped(gradient_of(variable, index))", "gradient_of(variable, index)"),
        mutation("decay", "decayed(variable, at) -", "weights[at] -"),
        mutation("the first moment that is kept", "first_moment[at] = m;", "first_moment[at] = g;"),
        mutation("the second moment that is kept", "second_moment[at] = v;", "second_moment[at] = g;"),
        mutation("the variable's place", "variable.first_value + index", "index"),
    ];
    all_go_red("adam", &of_update(&own));
}
