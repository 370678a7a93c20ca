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
        mutation("the first partition", "var part = 1u;", "var part = 0u;"),
        mutation(
            "the sum of partitions",
            "part = 1u; part < partitions; part++) {\n            sum +=",
            "part = 1u; part < partitions; part++) {\n            sum =",
        ),
        mutation(
            "the sum of a later micro-batch",
            "part = 0u; part < partitions; part++) {\n                sum +=",
            "part = 0u; part < partitions; part++) {\n                sum =",
        ),
        mutation("the number of partitions", "variables[variable + 4]", "(variables[variable + 4] - 1)"),
        mutation("a thread's next value", "turn * THREADS", "0"),
        mutation("a thread's values", "turn < VALUES_PER_THREAD", "turn + 1 < VALUES_PER_THREAD"),
        mutation("words from partition to partition", "variables[variable + 5]", "variables[variable + 1]"),
        mutation("a later micro-batch's first partition", "var part = 0u;", "var part = 1u;"),
        mutation("a micro-batch's address", "place += MICRO_BATCH_STRIDE;", "place += 0u;"),
        mutation("the number of micro-batches", "micro_batch < MICRO_BATCHES", "micro_batch + 1 < MICRO_BATCHES"),
        mutation("the first moment that is kept", "first_moment[at] = m;", "first_moment[at] = sum;"),
        mutation("the second moment that is kept", "second_moment[at] = v;", "second_moment[at] = sum;"),
        mutation("the tail", "index >= words", "index >= words - 1"),
        mutation("the last workgroup", "own >= WORKGROUPS", "own >= WORKGROUPS - 1"),
        mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
        mutation("the variable", "variables[own]", "variables[0]"),
        mutation("the place in the variable", "(own - variables[variable])", "own"),
        mutation("the variable's gradient", "first_partition + index", "index"),
        mutation("the variable's place", "first_value + index", "index"),
    ];
    all_go_red("adam", &mutations);
}
