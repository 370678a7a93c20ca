//! `shaders/adam.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("adam");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("epsilon", "sqrt(v) + EPSILON", "sqrt(v) + 0.1 * EPSILON"),
        mutation("the first moment", "STEP_1 * (sum", "1.01 * STEP_1 * (sum"),
        mutation("the second moment", "STEP_2 * (sum", "1.01 * STEP_2 * (sum"),
        mutation("the square", "sum * sum", "sum * 1.0"),
        mutation("the rate", "rates[progress.batch]", "rates[0]"),
        mutation("the sum of partitions", "sum += gradient[", "sum = gradient["),
        mutation("the first partition", "var part = 1u;", "var part = 0u;"),
        mutation("a partition's address", "place + part * variable.stride", "place"),
        mutation("the number of partitions", "part < variable.partitions", "part + 1 < variable.partitions"),
        mutation("the next micro-batch's first partition", " part = 0u;\n", " part = 1u;\n"),
        mutation("a micro-batch's address", "place += MICRO_BATCH_STRIDE;", "place += 0u;"),
        mutation("the number of micro-batches", "micro_batch < MICRO_BATCHES", "micro_batch < 1u"),
        mutation("the first moment that is kept", "first_moment[at] = m;", "first_moment[at] = sum;"),
        mutation("the second moment that is kept", "second_moment[at] = v;", "second_moment[at] = sum;"),
        mutation("the tail", "index >= variable.words", "index >= variable.words - 1"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
        mutation("the search", "var step = SEARCH", "var step = SEARCH / 2"),
        mutation("every step of the search", "step /= 2", "step /= 4"),
        mutation("the last variable", "number + step < VARIABLES", "number + step + 1 < VARIABLES"),
        mutation("a variable's first workgroup", ".workgroup <= own", ".workgroup < own"),
        mutation("how far the search is", "number += step;", "number += 1u;"),
        mutation("the place in the variable", "(own - variable.workgroup)", "own"),
        mutation("the variable's gradient", "variable.gradient + index", "index"),
        mutation("the variable's place", "variable.first + index", "index"),
    ];
    all_go_red("adam", &mutations);
}
