//! `shaders/moving_statistics.wgsl` against its CPU reference.

use crate::holds;

#[test]
fn agrees_with_its_cpu_reference() {
    holds("moving_statistics");
}
