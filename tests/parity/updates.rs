//! What breaks in the parts that kernels over many variables share.

use crate::mutation::{Mutation, mutation};

/// Of the part `variables`, and of `each_value`.
pub const EACH_VALUE: [Mutation; 6] = [
    mutation("the last workgroup", "own >= WORKGROUPS", "own >= WORKGROUPS - 1"),
    mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
    mutation("the variable", "variables[own]", "variables[0]"),
    mutation("the place in the variable", "(own - variables[row])", "own"),
    mutation("the tail", "index < variable.words", "index + 1 < variable.words"),
    mutation("the first value's row", "variables[row + 2]", "variables[row + 1]"),
];

/// Of the part `gradient`.
pub const GRADIENT: [Mutation; 15] = [
    mutation("the variable's gradient", "variable.first_partition + index", "index"),
    mutation("the first partition", "variable, place, 1u)", "variable, place, 0u)"),
    mutation("the sum of partitions", "sum += gradient[place", "sum = gradient[place"),
    mutation("the sum of a later micro-batch", "with_partitions(sum, variable", "with_partitions(0.0, variable"),
    mutation("the first four read ahead", "added_in_order(sum, a, left.x)", "sum"),
    mutation("the fourth four read ahead", "added_in_order(sum, c, left.z), d, left.w)", "sum, c, left.z)"),
    mutation("what is read ahead past the last", "three + values.w, count > 3)", "three + values.w, count > 2)"),
    mutation("the next sixteen", "part += 16", "part += 15"),
    mutation(
        "where a partition is read ahead",
        "part + vec4(0u, 1u, 2u, 3u), vec4(variable",
        "part + vec4(0u, 1u, 2u, 2u), vec4(variable",
    ),
    mutation("the number of partitions", "variables[row + 4]", "variables[row + 4] - 1"),
    mutation("words from partition to partition", "variables[row + 5]", "variables[row + 1]"),
    mutation("a later micro-batch's first partition", "variable, place, 0u)", "variable, place, 1u)"),
    mutation("a micro-batch's address", "place += MICRO_BATCH_STRIDE;", "place += 0u;"),
    mutation("the number of micro-batches", "micro_batch < MICRO_BATCHES", "micro_batch + 1 < MICRO_BATCHES"),
    mutation("the first partition's row", "variables[row + 3]", "variables[row + 2]"),
];

/// Of the part `update`.
const STEP: [Mutation; 6] = [
    mutation("the step's numbers", "progress.batch * NUMBERS", "0"),
    mutation("the number of them", "progress.batch * NUMBERS", "progress.batch"),
    mutation("the factor", "gradient * number(FACTOR)", "gradient * number(0)"),
    mutation("the part that decays", "weight - weight * number(DECAY)", "weight - weight * number(0)"),
    mutation("a variable that does not decay", "variable.decays == 1", "variable.decays <= 1"),
    mutation("whether it decays", "variables[row + 6]", "variables[row + 4]"),
];

/// Of the part `workgroup_sum`.
pub const WORKGROUP_SUM: [Mutation; 4] = [
    mutation("the first of the other threads", "other = 1u", "other = 2u"),
    mutation("the last of the other threads", "other < THREADS", "other + 1 < THREADS"),
    mutation("the sum of all threads", "sum += sums[other]", "sum = sums[other]"),
    mutation("what the others have", "sums[thread] = own;", "sums[thread] = 0.0;"),
];

/// An update's own mutations, and those of what it shares.
pub fn with_shared(own: &[Mutation]) -> Vec<Mutation> {
    own.iter().chain(&EACH_VALUE).chain(&GRADIENT).chain(&STEP).copied().collect()
}
