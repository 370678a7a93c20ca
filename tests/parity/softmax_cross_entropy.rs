//! `shaders/softmax_cross_entropy.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("softmax_cross_entropy");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the rows of the mean", "f32(rows)", "f32(BATCH)"),
        mutation("the rows of the last batch", "progress.samples - progress.batch * BATCH", "progress.samples"),
        mutation("the micro-batch", "progress.micro_batch * MICRO_BATCH + row < rows", "row < rows"),
        mutation("the largest", "logit > largest", "logit < largest"),
        mutation("the sum", "sum += exp(", "sum = exp("),
        mutation("the target", "class_index == label", "class_index == 0"),
        mutation("the loss", "log(sum) - (", "log(sum) + ("),
        mutation("what is correct", "class_of_largest == label", "class_of_largest != label"),
        mutation("rows that do not count", "f32(rows), counts)", "f32(rows), true)"),
        mutation("the address", "let first = row * CLASSES;", "let first = 0u;"),
        mutation("the tail", "row >= MICRO_BATCH", "row >= MICRO_BATCH - 1"),
    ];
    all_go_red("softmax_cross_entropy", &mutations);
}
