//! The three products by an adapter's matrix units against their CPU references, where it has such units.

use gpu_fmnist::kernels::MATRIX_PRODUCTS;
use gpu_fmnist::precision::Precision;
use gpu_fmnist::selftest::{check_kernel, compare};

use crate::mutation::{all_go_red, mutation};
use crate::{adapter, probe, row, skips};

#[test]
fn agree_with_their_cpu_references() {
    for row in MATRIX_PRODUCTS {
        let outcome = check_kernel(probe(), adapter().class(), row).unwrap();
        assert!(outcome.failures.is_empty(), "{}:\n{}", row.name, outcome.failures.join("\n"));
        match outcome.cases {
            0 => skips::skip(&format!("{}: this adapter has no such matrix units", row.name)),
            cases => assert!(cases > 10, "{} has only {cases} cases", row.name),
        }
    }
}

/// As a run in f16 has them.
#[test]
fn agree_with_their_cpu_references_over_activations_in_f16() {
    let mut count = 0;
    for row in MATRIX_PRODUCTS {
        for case in (row.cases)().into_iter().filter(|case| probe().runs(case)) {
            let case = case.stored(Precision::F16).unwrap();
            assert!(probe().runs(&case));
            let actual = probe().run(&case).unwrap_or_else(|error| panic!("{}, {}: {error}", row.name, case.label));
            compare(&case, &actual).unwrap_or_else(|problem| panic!("{}, {}: {problem}", row.name, case.label));
            count += 1;
        }
    }
    match count {
        0 => skips::skip("products by matrix units in f16: this adapter has no such matrix units"),
        count => assert!(count > 30, "only {count} cases"),
    }
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the subgroup's rows", "vec2(invocation.subgroup / SUBGROUPS_X,", "vec2(0u,"),
        mutation("the subgroup's columns", "invocation.subgroup % SUBGROUPS_X)", "0u)"),
        mutation("the size of its place", "vec2(FRAGMENT_ROWS, FRAGMENT_COLUMNS) * FRAGMENT", "vec2(FRAGMENT)"),
        mutation("a thread's place in its row", "invocation.index % THREADS_X,", "0u,"),
        mutation("a thread's place among the rows", "invocation.index / THREADS_X,", "0u,"),
        mutation("the subgroup's rows of A", "(corner.x + i * FRAGMENT) * A_ROW_STEP", "i * FRAGMENT * A_ROW_STEP"),
        mutation(
            "the subgroup's columns of B",
            "+ corner.y + j * FRAGMENT;\n                let",
            "+ j * FRAGMENT;\n                let",
        ),
        mutation("its rows of the sums", "(corner.x + i * FRAGMENT) * TILE_COLUMNS", "i * FRAGMENT * TILE_COLUMNS"),
        mutation("its columns of the sums", "TILE_COLUMNS + corner.y", "TILE_COLUMNS"),
        mutation("the fragment of A", "i * FRAGMENT) * A_ROW_STEP", "0u) * A_ROW_STEP"),
        mutation("the depth of A", "depth * A_DEPTH_STEP;", "0u * A_DEPTH_STEP;"),
        mutation(
            "the fragment of B",
            "corner.y + j * FRAGMENT;\n                let",
            "corner.y;\n                let",
        ),
        mutation("the sums of the fragments", "right, fragments[own])", "right, fragments[0])"),
        mutation("the place of the sums", "corner.y + j * FRAGMENT;\n            coop", "corner.y;\n            coop"),
        mutation("a thread's row", "THREAD_ROWS + i) * TILE_COLUMNS", "THREAD_ROWS + 0u) * TILE_COLUMNS"),
        mutation("a thread's column", "place.x * THREAD_COLUMNS + j;\n            (*sums)", "j;\n            (*sums)"),
        mutation("the rounding", "return f16(value);", "return f16(value * 1.001);"),
    ];
    for name in ["conv_forward_matrix_8", "conv_weight_gradient_matrix_8", "conv_input_gradient_matrix_8"] {
        if (row(name).cases)().iter().any(|case| probe().runs(case)) {
            all_go_red(name, &mutations);
        } else {
            skips::skip(&format!("broken lines of {name}: this adapter has no such matrix units"));
        }
    }
}
