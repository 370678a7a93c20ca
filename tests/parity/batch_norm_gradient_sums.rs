//! `shaders/batch_norm_gradient_sums.wgsl` against its CPU reference.

use crate::holds;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("batch_norm_gradient_sums");
}
