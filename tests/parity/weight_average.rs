//! `shaders/weight_average.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{Mutation, all_go_red, mutation};
use crate::parts::EACH_VALUE;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("weight_average");
}

#[test]
fn every_broken_line_is_noticed() {
    let own = [
        mutation("the first step", "progress.step == 0", "progress.step == 99"),
        mutation("a later step", "progress.step == 0", "progress.step < 99"),
        mutation("what the first step copies", "average[at] = weights[at];", "average[at] = STEP * weights[at];"),
        mutation("the step", "STEP * (", "("),
        mutation("the difference", "(weights[at] - average[at])", "weights[at]"),
        mutation("what is kept", "average[at] +=", "average[at] ="),
        mutation("the variable's place", "variable.first_value + index", "index"),
    ];
    all_go_red("weight_average", &own.into_iter().chain(EACH_VALUE).collect::<Vec<Mutation>>());
}
