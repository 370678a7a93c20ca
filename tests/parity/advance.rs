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
        mutation("the sum over threads", "other = 1u", "other = 2u"),
        mutation("a thread's rows", "row += THREADS", "row += 2u * THREADS"),
        mutation("the tail", "row < MICRO_BATCH", "row < MICRO_BATCH - 1"),
        mutation("the sum of losses", "loss += losses[row]", "loss = losses[row]"),
        mutation("the count of correct predictions", "count += correct[row]", "count = correct[row]"),
        mutation("what earlier micro-batches logged", "progress.micro_batch > 0", "progress.micro_batch > 1"),
        mutation("the log's address", "log[2 * progress.batch] =", "log[0] ="),
        mutation("the last micro-batch", "progress.micro_batch == MICRO_BATCHES", "progress.micro_batch >= 1"),
        mutation("the next batch's micro-batch", "progress.micro_batch = 0;", "progress.micro_batch = 1;"),
        mutation("the batch", "progress.batch++", "progress.batch += 2u"),
        mutation("the step", "progress.step += TRAINING", "progress.step += 1u"),
    ];
    all_go_red("advance", &mutations);
}
