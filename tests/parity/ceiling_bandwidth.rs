//! `shaders/ceiling_bandwidth.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("ceiling_bandwidth");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the source's address", "source[at]", "source[first]"),
        mutation("a thread's words", "word < THREAD_WORDS", "word + 1 < THREAD_WORDS"),
        mutation("how far they are apart", "first + word * THREADS", "first + word"),
        mutation("the tail", "at < WORDS", "at + 1 < WORDS"),
    ];
    all_go_red("ceiling_bandwidth", &mutations);
}
