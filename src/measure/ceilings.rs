//! What an adapter does at most, by kernels that do nothing else: arithmetic in registers, and copying.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Work, go_on};
use crate::callback::ProgressCallback;
use crate::error::Result;
use crate::gemm::{Convolution, DeviceClass, GemmKind};
use crate::kernels::{CeilingArithmetic, CeilingBandwidth, ConvForward, Kernel};
use crate::plan::{Executor, Pass, Plan, Program, single};

/// Measured at their best, as a ceiling is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceilings {
    pub operations_per_second: f64,
    /// Reads and writes together.
    pub bytes_per_second: f64,
}

impl Ceilings {
    /// The most operations a second that a kernel can do which has to move a byte for every `intensity` operations.
    pub fn roof(&self, intensity: f64) -> f64 {
        self.operations_per_second.min(self.bytes_per_second * intensity)
    }

    /// The part of the roof that such work in so many seconds comes to; nothing where it computes nothing.
    pub fn part_of_roof(&self, work: &Work, seconds: f64) -> Option<f64> {
        let operations = work.operations as f64;
        (work.operations > 0).then(|| operations / seconds / self.roof(operations / work.bytes as f64))
    }
}

/// Words of the copy: 128 MB, the largest buffer that every adapter has, and beyond the caches of most.
const WORDS: usize = 1 << 25;

/// A pass that takes less than this many seconds says more of how it was started than of what it did.
const LONG_ENOUGH: f64 = 4e-3;

/// The ceilings of the executor that `make` gives for a plan; of the CPU path, where `class` is that, the arithmetic is
/// a large product's.
///
/// # Errors
/// What the device reports, or an interrupt.
pub fn ceilings(
    class: DeviceClass,
    make: &dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>>,
    callback: ProgressCallback<()>,
) -> Result<Ceilings> {
    let mut rate = |kernel: Arc<dyn Kernel>, words: &[usize], count: fn(&Plan) -> usize| {
        go_on(callback)?;
        let mut executor = make(single(kernel, words)?)?;
        let seconds = shortest(&mut *executor)?;
        Ok((seconds, count(executor.plan()) as f64 / seconds))
    };
    let operations = |plan: &Plan| plan.operations(Program::Training);
    let operations_per_second = if class == DeviceClass::Cpu {
        // Not a power of two: the rows would all be in the same few sets of the cache.
        const SIDE: usize = 960;
        let convolution = Convolution::dense(SIDE, SIDE, SIDE);
        let config = class.config(GemmKind::Forward, &convolution);
        let kernel = ConvForward { convolution, bias: true, relu: false, config };
        rate(Arc::new(kernel), &[SIDE * SIDE, (SIDE + 1) * SIDE, SIDE * SIDE, 1], operations)?.1
    } else {
        let mut fastest = 0.0;
        for workgroups in [64, 512, 4096, 32_768] {
            let kernel = CeilingArithmetic { workgroups, rounds: 128 };
            let words = [CeilingArithmetic::LINE_WORDS, kernel.sums()];
            let (seconds, operations_per_second) = rate(Arc::new(kernel), &words, operations)?;
            fastest = operations_per_second;
            if seconds >= LONG_ENOUGH {
                break;
            }
        }
        fastest
    };
    let traffic = |plan: &Plan| plan.training.iter().map(Pass::traffic).sum();
    let (_, bytes_per_second) = rate(Arc::new(CeilingBandwidth { words: WORDS }), &[WORDS, WORDS], traffic)?;
    Ok(Ceilings { operations_per_second, bytes_per_second })
}

/// The shortest time of the training program's one pass, in seconds.
fn shortest(executor: &mut dyn Executor) -> Result<f64> {
    const REPEATS: usize = 8;
    executor.time(Program::Training, 1)?;
    let timeline = executor.time(Program::Training, REPEATS)?;
    let times = timeline.passes.iter().map(|pass| (pass.end - pass.start) * 1e-9);
    Ok(times.fold(f64::INFINITY, f64::min))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use std::ops::ControlFlow;

    #[test]
    fn the_roof_is_the_lower_ceiling() {
        let ceilings = Ceilings { operations_per_second: 100.0, bytes_per_second: 10.0 };
        assert_eq!((ceilings.roof(1.0), ceilings.roof(10.0), ceilings.roof(1000.0)), (10.0, 100.0, 100.0));
    }

    #[test]
    fn an_interrupt_ends_the_measurement() {
        let make = |plan| Ok(Box::new(Cpu::new(plan)?) as Box<dyn Executor>);
        assert!(ceilings(DeviceClass::Cpu, &make, &mut |()| ControlFlow::Break(())).is_err());
    }
}
