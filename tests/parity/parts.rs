//! Mutations of the parts that several shaders have in common, `shaders/common/`, for those that do.

use crate::mutation::{Mutation, mutation};

/// A thread's place among the values: `shaders/common/channels.wgsl`.
pub const PLACES: [Mutation; 2] = [
    mutation("a thread's lane", "let lane = thread / CHANNEL_TILE;", "let lane = 0u;"),
    mutation("a tile's first channel", "tile * CHANNEL_TILE + thread % CHANNEL_TILE", "thread % CHANNEL_TILE"),
];

/// Which positions count: `shaders/common/positions.wgsl`.
pub const POSITIONS: [Mutation; 4] = [
    mutation("rows of a short batch", "min(max(now.samples, before) - before, BATCH)", "BATCH"),
    mutation("the batch's place", "now.batch * BATCH", "0u"),
    mutation("the micro-batch's place", "now.micro_batch * MICRO_BATCH", "0u"),
    mutation("rows of a micro-batch", "min(max(rows, done) - done, MICRO_BATCH)", "(max(rows, done) - done)"),
];

/// Sums of lanes: `shaders/common/partitions.wgsl`.
pub const LANES: [Mutation; 3] = [
    mutation("the sum of lanes", "sums += of_lanes[", "sums = of_lanes["),
    mutation(
        "a lane's place",
        "of_lanes[lane * CHANNEL_TILE + thread % CHANNEL_TILE]",
        "of_lanes[lane + thread % CHANNEL_TILE]",
    ),
    mutation(
        "the last lane",
        "sums = vec2(0.0);\n    if everyone || thread < CHANNEL_TILE {\n        for (var lane = 0u; lane < LANES;",
        "sums = vec2(0.0);\n    if everyone || thread < CHANNEL_TILE {\n        for (var lane = 0u; lane + 1 < LANES;",
    ),
];

/// Of `shaders/common/activation.wgsl`, what a forward pass has.
pub const ACTIVATIONS: [Mutation; 17] = [
    mutation("a ReLU", "return max(x, 0.0);", "return max(x, -0.25);"),
    mutation("a ReLU's end", "clamp(x, 0.0, PARAMETER)", "max(x, 0.0)"),
    mutation("a GELU", "return x * normal_share(x);", "return normal_share(x);"),
    mutation("a SiLU", "return x * sigmoid(x);", "return sigmoid(x);"),
    mutation("a leaky ReLU", "select(PARAMETER * x, x, x > 0.0)", "select(x, x, x > 0.0)"),
    mutation("an ELU", "PARAMETER * (power(x) - 1.0)", "PARAMETER * power(x)"),
    mutation("a tangent", "case TANH: { return hyperbolic_tangent(x); }", "case TANH: { return x; }"),
    mutation("a sigmoid", "case SIGMOID: { return sigmoid(x); }", "case SIGMOID: { return x; }"),
    mutation("the error function", "0.5 * error_function(x * 0.70710677)", "0.5 * error_function(x * 0.7)"),
    mutation("the share of nothing", "0.0, x < -5.5)", "0.0, x < -0.5)"),
    mutation("an exponential", "1.0 + power(-x)", "1.0 + power(x)"),
    mutation("where the tangent ends", "clamp(unbounded, -7.905311, 7.905311)", "clamp(unbounded, -1.5, 7.905311)"),
    mutation(
        "where the error function ends",
        "clamp(unbounded, -3.832507, 3.832507)",
        "clamp(unbounded, -3.832507, 1.5)",
    ),
    mutation("the tangent's numerator", "6.3726195e-4) * q", "6.3736195e-4) * q"),
    mutation("the tangent's denominator", "2.2684347e-3) * q", "2.2685347e-3) * q"),
    mutation("the error function's numerator", "7.3499064e-4) * q", "7.3599064e-4) * q"),
    mutation("the error function's denominator", "1.682827e-3) * q", "1.683827e-3) * q"),
];

/// What a backward pass has of it.
pub const SLOPES: [Mutation; 8] = [
    mutation(
        "a ReLU's slope",
        "case RELU: { return select(0.0, 1.0, x > 0.0); }",
        "case RELU: { return select(0.0, 1.0, x >= 0.0); }",
    ),
    mutation("the slope of a ReLU with an end", "x > 0.0 && x < PARAMETER", "x > 0.0 && x <= PARAMETER"),
    mutation("a GELU's slope", "normal_share(x) + x * 0.3989423", "normal_share(x) + 0.3989423"),
    mutation("a SiLU's slope", "(1.0 + x * (1.0 - sigmoid(x)))", "(1.0 - x * (1.0 - sigmoid(x)))"),
    mutation("a leaky ReLU's slope", "select(PARAMETER, 1.0, x > 0.0)", "select(PARAMETER, 1.0, x >= 0.0)"),
    mutation(
        "an ELU's slope",
        "select(PARAMETER * power(x), 1.0, x > 0.0)",
        "select(PARAMETER * power(x), 1.0, x >= 0.0)",
    ),
    mutation("a tangent's slope", "1.0 - hyperbolic_tangent(x) * hyperbolic_tangent(x)", "1.0 - hyperbolic_tangent(x)"),
    mutation(
        "a sigmoid's slope",
        "sigmoid(x) * (1.0 - sigmoid(x)); }\n        default",
        "sigmoid(x); }\n        default",
    ),
];

/// Which value a thread has: `shaders/common/each_value.wgsl` and `variables.wgsl`.
pub const EACH_VALUE: [Mutation; 6] = [
    mutation("the last workgroup", "own >= WORKGROUPS", "own >= WORKGROUPS - 1"),
    mutation("the second row of workgroups", "group.y * GRID_WIDTH + group.x", "group.x"),
    mutation("the variable", "variables[own]", "variables[0]"),
    mutation("the place in the variable", "(own - variables[row])", "own"),
    mutation("the tail", "index < variable.words", "index + 1 < variable.words"),
    mutation("the first value's row", "variables[row + 2]", "variables[row + 1]"),
];

/// A variable's gradient: `shaders/common/gradient.wgsl`.
pub const GRADIENT: [Mutation; 22] = [
    mutation("the variable's gradient", "variable.first_partition + index", "index"),
    mutation(
        "the first partition",
        "var sum = with_partitions(gradient[place], variable, place, 1u)",
        "var sum = with_partitions(gradient[place], variable, place, 0u)",
    ),
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
    mutation(
        "a micro-batch's address",
        "place += MICRO_BATCH_STRIDE;\n        sum = with_partitions(sum,",
        "place += 0u;\n        sum = with_partitions(sum,",
    ),
    mutation(
        "a micro-batch's address in a tree",
        "place += MICRO_BATCH_STRIDE;\n            sum = with_partitions(gradient",
        "place += 0u;\n            sum = with_partitions(gradient",
    ),
    mutation("the first micro-batch of a tree", "waiting[0] = sum;", "waiting[0] = 0.0;"),
    mutation("the sum of a tree", "sum = waiting[height] + sum;", "sum = waiting[height];"),
    mutation("what waits in a tree", "waiting[height] = sum;", "waiting[0] = sum;"),
    mutation("joins of the last one", "countOneBits(number), number + 1 == count)", "1u, number + 1 == count)"),
    mutation("joins of the others", "select(countTrailingZeros(~number), count", "select(number % 2, count"),
    mutation("the micro-batches of a tree", "number < MICRO_BATCHES; number++", "number + 1 < MICRO_BATCHES; number++"),
    mutation("the number of micro-batches", "micro_batch < MICRO_BATCHES", "micro_batch + 1 < MICRO_BATCHES"),
    mutation("the first partition's row", "variables[row + 3]", "variables[row + 2]"),
];

/// What an update does beside its own rule: `shaders/common/update.wgsl`.
const STEP: [Mutation; 8] = [
    mutation("the step's numbers", "progress.batch * NUMBERS", "0"),
    mutation("the number of them", "progress.batch * NUMBERS", "progress.batch"),
    mutation("the factor", "gradient * number(FACTOR)", "gradient * number(0)"),
    mutation("a step that is left out", "number(FACTOR) == 0.0", "number(FACTOR) == 3.0"),
    mutation("a step that is not", "number(FACTOR) == 0.0", "number(FACTOR) < 3.0"),
    mutation("the part that decays", "weight - weight * number(DECAY)", "weight - weight * number(0)"),
    mutation("a variable that does not decay", "variable.decays == 1", "variable.decays <= 1"),
    mutation("whether it decays", "variables[row + 6]", "variables[row + 4]"),
];

/// The sum of all threads: `shaders/common/workgroup_sum.wgsl`.
pub const WORKGROUP_SUM: [Mutation; 4] = [
    mutation("the first of the other threads", "other = 1u", "other = 2u"),
    mutation("the last of the other threads", "other < THREADS", "other + 1 < THREADS"),
    mutation("the sum of all threads", "sum += sums[other]", "sum = sums[other]"),
    mutation("what the others have", "sums[thread] = own;", "sums[thread] = 0.0;"),
];

/// The sum of squares, and where a step's factor goes: `shaders/common/squares.wgsl`.
pub const SQUARES: [Mutation; 6] = [
    mutation("a thread's first sum", "var place = thread;", "var place = thread + THREADS;"),
    mutation("a thread's next sum", "sum += squares", "sum = squares"),
    mutation("the last sum", "place < SUMS", "place + 1 < SUMS"),
    mutation("the step's numbers", "progress.batch * NUMBERS", "0"),
    mutation("the number of them", "progress.batch * NUMBERS", "progress.batch"),
    mutation("which of them", "NUMBERS + FACTOR", "NUMBERS"),
];

/// An update's own mutations, and those of its parts.
pub fn of_update(own: &[Mutation]) -> Vec<Mutation> {
    own.iter().chain(&EACH_VALUE).chain(&GRADIENT).chain(&STEP).copied().collect()
}

/// A row's loss, and what becomes of its logits: `shaders/common/cross_entropy.wgsl`.
const CROSS_ENTROPY: [Mutation; 10] = [
    mutation("the rows of the mean", "f32(rows)", "f32(BATCH)"),
    mutation("the rows of the last batch", "progress.samples - progress.batch * BATCH", "progress.samples"),
    mutation("the micro-batch", "progress.micro_batch * MICRO_BATCH + row < rows", "row < rows"),
    mutation("the largest", "logit > largest", "logit < largest"),
    mutation("the sum", "sum += exp(", "sum = exp("),
    mutation("the loss", "log(sum) - target_logit", "log(sum) + target_logit"),
    mutation("what is correct", "likeliest == wanted(", "likeliest != wanted("),
    mutation("rows that do not count", "f32(rows), counts)", "f32(rows), true)"),
    mutation("the address", "let first = row * CLASSES;", "let first = 0u;"),
    mutation("the tail", "row >= MICRO_BATCH", "row >= MICRO_BATCH - 1"),
];

/// A loss' own mutations, and those of its parts.
pub fn of_loss(own: &[Mutation]) -> Vec<Mutation> {
    own.iter().chain(&CROSS_ENTROPY).copied().collect()
}
