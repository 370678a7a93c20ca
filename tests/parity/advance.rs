//! `shaders/advance.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("advance");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum over threads", "var first = 0u;", "var first = 4u;"),
        mutation("the next threads", "first += 4", "first += 5"),
        mutation("the fourth thread", "four.z + four.w", "four.z + four.z"),
        mutation("the fourth thread's count", "count_sums[first + 3];", "count_sums[first + 2];"),
        mutation("a thread's rows", "at += THREADS", "at += 2u * THREADS"),
        mutation("the tail", "at < MICRO_BATCH", "at < MICRO_BATCH - 1"),
        mutation("the sum of losses", "loss += losses[at]", "loss = losses[at]"),
        mutation("the count of correct predictions", "count += correct[at]", "count = correct[at]"),
        mutation(
            "what earlier micro-batches logged",
            "ROWS == 1 && now.micro_batch > 0",
            "ROWS == 1 && now.micro_batch > 1",
        ),
        mutation("the log's address", "log[2 * row] =", "log[0] ="),
        mutation("the batch's rows of the log", "now.batch * ROWS", "now.batch"),
        mutation("the micro-batch's row of the log", "now.micro_batch % ROWS", "0u"),
        mutation("a row for each micro-batch", "ROWS == 1 && now", "now"),
        mutation("the last micro-batch", "now.micro_batch + 1 == MICRO_BATCHES", "now.micro_batch + 1 >= 1"),
        mutation(
            "the next batch's micro-batch",
            "now.micro_batch + 1, 0u, is_last",
            "now.micro_batch + 1, 1u, is_last",
        ),
        mutation("the batch", "now.batch + 1;", "now.batch + 2;"),
        mutation("the step", "now.step + TRAINING", "now.step + 1u"),
    ];
    all_go_red("advance", &mutations);
}
