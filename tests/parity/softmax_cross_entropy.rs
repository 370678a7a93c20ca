//! `shaders/softmax_cross_entropy.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};
use crate::parts::of_loss;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("softmax_cross_entropy");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the target", "select(0.0, 1.0, class_index == label)", "select(0.0, 1.0, class_index == 0)"),
        mutation("the label's logit", "logits[first + label] - largest", "logits[first] - largest"),
        mutation("the label", "return batch_labels[row];", "return batch_labels[0];"),
        mutation("the label that is correct", "return label;", "return 0u;"),
    ];
    all_go_red("softmax_cross_entropy", &of_loss(&mutations));
}
