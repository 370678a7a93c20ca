//! Proof on the spot: every kernel against its CPU reference on one adapter, and the gradients of a whole network against finite
//! differences.

mod compare;
mod gradient;

pub use compare::compare;
pub use gradient::{GradientCheck, dropout_gradient_checks, gradient_checks, soft_gradient_checks};

use crate::error::Result;
use crate::gemm::DeviceClass;
use crate::gpu::Probe;
use crate::kernels::Descriptor;

/// What came of one kernel's cases.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub kernel: &'static str,
    pub cases: usize,
    /// Cases that were left out, since the adapter would take minutes to compile them.
    pub dropped: usize,
    /// The largest part of its tolerance that any number used; 0 where all agree to the bit.
    pub worst: f32,
    /// One line for each case that failed.
    pub failures: Vec<String>,
}

/// Runs all cases of a kernel on the adapter, whose class of device is `class`; but those that it would take minutes to
/// compile and never uses.
///
/// # Errors
/// Only where the device itself fails; a wrong result is part of the outcome.
pub fn check_kernel(probe: &Probe, class: DeviceClass, row: &Descriptor) -> Result<Outcome> {
    let mut outcome = Outcome { kernel: row.name, cases: 0, dropped: 0, worst: 0.0, failures: Vec::new() };
    for case in (row.cases)() {
        if case.class.is_some_and(|own| !own.compiles_on(class)) {
            outcome.dropped += 1;
            continue;
        }
        if !probe.runs(&case) {
            continue;
        }
        outcome.cases += 1;
        let compared = match probe.run(&case) {
            Ok(actual) => compare(&case, &actual),
            Err(crate::error::Error::Failed(problem)) => Err(problem),
            Err(error) => return Err(error),
        };
        match compared {
            Ok(used) => outcome.worst = outcome.worst.max(used),
            Err(problem) => outcome.failures.push(format!("{}: {problem}", case.label)),
        }
    }
    Ok(outcome)
}
