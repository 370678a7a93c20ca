//! `shaders/nearest.wgsl` against its CPU reference.

use crate::holds;
use crate::mutation::{all_go_red, mutation};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("nearest");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation(
            "the order of equally close ones",
            "closer || candidate > greatest[place]",
            "closer || candidate >= greatest[place]",
        ),
        mutation(
            "the sample's square",
            "products[sample * QUERIES + query] - half_squares[sample]",
            "products[sample * QUERIES + query]",
        ),
        mutation("a product's address", "products[sample * QUERIES + query]", "products[sample * QUERIES]"),
        mutation("the sample's number", "span.first + first + member", "first + member"),
        mutation("the last sample", "min(span.count, SAMPLES)", "min(span.count, SAMPLES - 1)"),
        mutation("the last of those together", "min(TOGETHER, count - first)", "min(TOGETHER - 1, count - first)"),
        mutation(
            "who moves on",
            "candidate = select(candidate, moved, closer)",
            "candidate = select(candidate, candidate, closer)",
        ),
        mutation("who is near", "select(moved_number, number, closer)", "select(moved_number, moved_number, closer)"),
        mutation("the threshold", "least = greatest[NEIGHBOURS - 1];", "least = greatest[0];"),
        mutation("the tail", "query >= QUERIES", "query >= QUERIES - 1"),
    ];
    all_go_red("nearest", &mutations);
}
