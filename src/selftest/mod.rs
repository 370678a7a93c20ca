//! Proof on the spot: every kernel against its CPU reference on one adapter, and the gradients of a whole network against finite
//! differences.

mod compare;
mod gradient;

pub use compare::compare;
pub use gradient::{GradientCheck, dropout_gradient_checks, gradient_checks, soft_gradient_checks};

use std::ops::ControlFlow;

use crate::callback::ProgressCallback;
use crate::error::Result;
use crate::gemm::DeviceClass;
use crate::gpu::Probe;
use crate::kernels::{Case, Descriptor};
use crate::precision::Precision;

/// What came of one kernel's cases.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub kernel: &'static str,
    pub cases: usize,
    /// Of them, with activations in bf16, and in f16 where the adapter's shaders have it.
    pub in_16_bits: usize,
    /// Cases that were left out, since the adapter would take minutes to compile them.
    pub dropped: usize,
    /// The largest part of its tolerance that any number used; 0 where all agree to the bit.
    pub worst: f32,
    /// One line for each case that failed.
    pub failures: Vec<String>,
}

/// Cases of a kernel in each precision of 16 bits: few, since all of them would take as long as those in f32.
const MOST_IN_16_BITS: usize = 4;
/// Cases that are compiled at a time, side by side.
const AT_A_TIME: usize = 16;

/// The kernel's cases with activations in that precision, but for configurations that a device of the class never uses.
pub fn cases_in(row: &Descriptor, precision: Precision, class: DeviceClass) -> Vec<Case> {
    let own = |case: &Case| case.class.is_none_or(|own| own == class);
    (row.cases)().into_iter().filter(own).filter_map(|case| case.stored(precision)).collect()
}

/// Some of all, from the first to the last.
fn spread(all: Vec<Case>, most: usize) -> impl Iterator<Item = Case> {
    let (count, last) = (all.len().min(most), all.len().saturating_sub(1));
    let places: Vec<usize> = (0..count).map(|number| number * last / (count - 1).max(1)).collect();
    all.into_iter().enumerate().filter(move |(place, _)| places.contains(place)).map(|(_, case)| case)
}

/// Runs the cases of a kernel on the adapter, whose class of device is `class`; but those that it would take minutes to
/// compile and never uses. All of them in f32, and some with activations in 16 bits, where the kernel may have such.
///
/// # Errors
/// Only where the device itself fails; a wrong result is part of the outcome.
pub fn check_kernel(probe: &Probe, class: DeviceClass, row: &Descriptor) -> Result<Outcome> {
    check_kernel_until(probe, class, row, &mut |()| ControlFlow::Continue(()))
}

/// The same; the cases after which `callback` breaks are not part of the outcome.
///
/// # Errors
/// Those of [`check_kernel`].
pub fn check_kernel_until(
    probe: &Probe,
    class: DeviceClass,
    row: &Descriptor,
    callback: ProgressCallback<()>,
) -> Result<Outcome> {
    let (all, mut cases) = ((row.cases)(), Vec::new());
    let count = all.len();
    cases.extend(all.into_iter().filter(|case| case.class.is_none_or(|own| own.compiles_on(class))));
    let dropped = count - cases.len();
    let narrow = [Precision::Bf16, Precision::F16];
    cases.extend(narrow.into_iter().flat_map(|precision| spread(cases_in(row, precision, class), MOST_IN_16_BITS)));
    let mut outcome = Outcome { kernel: row.name, cases: 0, in_16_bits: 0, dropped, worst: 0.0, failures: Vec::new() };
    cases.retain(|case| probe.runs(case));
    for cases in cases.chunks(AT_A_TIME) {
        for (case, results) in cases.iter().zip(probe.run_each(cases)?) {
            if callback(()).is_break() {
                return Ok(outcome);
            }
            outcome.cases += 1;
            outcome.in_16_bits += usize::from(!case.precision().is_f32());
            let compared = match results {
                Ok(actual) => compare(case, &actual),
                Err(crate::error::Error::Failed(problem)) => Err(problem),
                Err(error) => return Err(error),
            };
            match compared {
                Ok(used) => outcome.worst = outcome.worst.max(used),
                Err(problem) => outcome.failures.push(format!("{}: {problem}", case.label)),
            }
        }
    }
    Ok(outcome)
}
