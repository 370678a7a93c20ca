//! Which kernels need no run-time checks, or not all of them, and how large their buffers have to be.
//!
//! wgpu's checks make a product take 20 to 40 times as long on lavapipe: a loop that is bounded twice is not unrolled, and
//! every index into an array is clamped. `col2im`, gradients of pools, means and depthwise convolutions take up to 4 times as
//! long where their loops are bounded twice. In any other kernel the checks are too little to measure. What is left out is
//! sound for these reasons, which hold whatever the buffers hold:
//!
//! - The kernel's *type* is one of those that [`trusted`] names: another type's shader, constants or workgroups never are.
//! - [`GemmKernel::broken_rule`] and [`Convolution::broken_rule`] have what makes configuration and geometry fit together:
//!   indices into a tile are within its array, steps are not zero, so that loops end, and no u32 wraps.
//! - No address of a product depends on a value from a buffer: `argmax` is only compared with, or clamped to the elements
//!   of a window (`pooled_weight_gradient`), and there are no other integers. Rows that are none are clamped to the last one (`conv_forward`, `conv_weight_gradient`) or have a y that is
//!   outside (`conv_input_gradient`); columns are clamped to the last one. What is stored asks first, but where every row
//!   and column that is dispatched is one.
//! - Each binding has the words of [`Kernel::words`], which is asked of the buffer itself.

use std::any::Any;

use super::{
    AveragePoolBackward, AveragePoolForward, Col2im, DepthwiseForward, DepthwiseInputGradient, DepthwiseWeightGradient,
    GemmKernel, Kernel, PoolBackward, PooledInputGradient, PooledWeightGradient, Stored,
};
use crate::gemm::{Convolution, MOST_WORDS};
use crate::geometry::Window;

/// What wgpu has to check at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checks {
    /// All that it can.
    All,
    /// Addresses, but not that loops end.
    Addresses,
    /// Divisors, at most.
    Nothing,
}

/// Of a kernel of a trusted type: what is left to check, and the rule that the kernel breaks, if any.
fn trusted(kernel: &(dyn Kernel + 'static)) -> Option<(Checks, Option<&'static str>)> {
    let any: &dyn Any = kernel;
    // Over words that have two numbers each, addresses are half as large.
    if let Some(stored) = any.downcast_ref::<Stored>() {
        return trusted(stored.inner());
    }
    if let Some(product) = GemmKernel::of(kernel) {
        return Some((Checks::Nothing, product.broken_rule()));
    }
    let weights = || any.downcast_ref().map(PooledWeightGradient::broken_rule);
    let input = || any.downcast_ref().map(PooledInputGradient::broken_rule);
    if let Some(rule) = weights().or_else(input) {
        return Some((Checks::Nothing, rule));
    }
    let geometry = || Some(geometry(any)?.broken_rule());
    let forward = || any.downcast_ref().map(|kernel: &DepthwiseForward| kernel.depthwise.broken_rule());
    let of_input = || any.downcast_ref().map(|kernel: &DepthwiseInputGradient| kernel.depthwise.broken_rule());
    let of_weights = || any.downcast_ref().map(DepthwiseWeightGradient::broken_rule);
    let rule = geometry().or_else(forward).or_else(of_input).or_else(of_weights)?;
    Some((Checks::Addresses, rule))
}

/// Of `col2im` and pools.
fn geometry(kernel: &dyn Any) -> Option<Convolution> {
    // A pool reads as a convolution without weights does.
    let pool = |batch: usize, window: Window| Convolution { batch, window, filters: 1, pool: 1 };
    let col2im = || kernel.downcast_ref().map(|own: &Col2im| own.convolution);
    let backward = || kernel.downcast_ref().map(|own: &PoolBackward| pool(own.batch, own.window));
    let average = || kernel.downcast_ref().map(|own: &AveragePoolForward| pool(own.batch, own.window));
    let of_average = || kernel.downcast_ref().map(|own: &AveragePoolBackward| pool(own.batch, own.window));
    col2im().or_else(backward).or_else(average).or_else(of_average)
}

/// The checks without which the kernel's shader might leave its own arrays, or buffers of so many `words`, one for each
/// binding, or never end.
pub fn checks(kernel: &(dyn Kernel + 'static), words: &[usize]) -> Checks {
    match trusted(kernel) {
        Some((left, None)) if misfit(kernel, words).is_none() && words.iter().all(|&words| words <= MOST_WORDS) => left,
        _ => Checks::All,
    }
}

/// What is wrong with the kernel, or with buffers of so many `words` for its bindings; none where nothing is.
pub fn misfit(kernel: &(dyn Kernel + 'static), words: &[usize]) -> Option<String> {
    let row = kernel.descriptor();
    // First of all: where the rules hold, no number below wraps.
    if let Some((_, Some(rule))) = trusted(kernel) {
        return Some(format!("{} is impossible: {rule}", row.name));
    }
    let needed = kernel.words();
    if words.len() != row.bindings.len() || needed.len() != row.bindings.len() {
        return Some(format!("{} has {} bindings, not {}", row.name, row.bindings.len(), words.len()));
    }
    let mut bound = row.bindings.iter().zip(needed).zip(words);
    let ((binding, needed), words) = bound.find(|((_, needed), words)| needed > *words)?;
    Some(format!("{} needs {needed} words of {}, the buffer has {words}", row.name, binding.name))
}

#[cfg(test)]
mod tests {
    use super::super::{Constants, ConvForward, Depthwise, Descriptor, REGISTRY};
    use super::*;
    use crate::gemm::examples::convolutions;
    use crate::gemm::{DeviceClass, GemmKind};

    /// Every case of a trusted kernel needs less than all checks over its own buffers, and none that is a word shorter
    /// will do.
    #[test]
    fn kernels_are_trusted_by_their_names_and_only_with_whole_buffers() {
        for row in REGISTRY {
            let expected = match row.name {
                "conv_forward" | "conv_weight_gradient" | "conv_input_gradient" => Checks::Nothing,
                "pooled_weight_gradient" | "pooled_input_gradient" => Checks::Nothing,
                "col2im" | "pool_backward" | "average_pool_forward" | "average_pool_backward" => Checks::Addresses,
                "depthwise_forward" | "depthwise_input_gradient" | "depthwise_weight_gradient" => Checks::Addresses,
                _ => Checks::All,
            };
            for case in (row.cases)() {
                let words: Vec<usize> = case.memory.iter().map(Vec::len).collect();
                assert_eq!(misfit(&*case.kernel, &words), None, "{}: {}", row.name, case.label);
                assert_eq!(checks(&*case.kernel, &words), expected, "{}: {}", row.name, case.label);
                for (binding, needed) in case.kernel.words().into_iter().enumerate() {
                    let mut short = words.clone();
                    short[binding] = needed - 1;
                    assert_eq!(checks(&*case.kernel, &short), Checks::All, "{}: {}", row.name, case.label);
                    assert!(misfit(&*case.kernel, &short).is_some(), "{}: {}", row.name, case.label);
                }
            }
        }
    }

    /// A kernel of another type that says the same of itself.
    #[derive(Debug)]
    struct Pretender(ConvForward);

    impl Kernel for Pretender {
        fn descriptor(&self) -> &'static Descriptor {
            self.0.descriptor()
        }

        fn constants(&self) -> Constants {
            self.0.constants()
        }

        fn workgroups(&self) -> [usize; 3] {
            self.0.workgroups()
        }

        fn words(&self) -> Vec<usize> {
            self.0.words()
        }

        fn operations(&self) -> usize {
            self.0.operations()
        }

        fn reference(&self, memory: &mut [&mut [u32]]) {
            self.0.reference(memory);
        }
    }

    #[test]
    fn another_type_or_numbers_that_do_not_fit_together_are_not_trusted() {
        let convolution = convolutions()[3];
        let config = DeviceClass::Gpu.config(GemmKind::Forward, &convolution);
        let kernel = ConvForward { convolution, bias: true, relu: true, config };
        let of = |change: fn(&mut ConvForward)| {
            let mut kernel = kernel;
            change(&mut kernel);
            checks(&kernel, &[MOST_WORDS; 4])
        };
        assert_eq!(of(|_| ()), Checks::Nothing);
        assert_eq!(checks(&Pretender(kernel), &[MOST_WORDS; 4]), Checks::All);
        assert_eq!(checks(&kernel, &[MOST_WORDS; 3]), Checks::All);
        assert_eq!(checks(&kernel, &[MOST_WORDS + 1; 4]), Checks::All);
        let changes: [fn(&mut ConvForward); 14] = [
            |one| one.config.rows = 6,
            |one| one.config.depth = 0,
            |one| one.config.threads_per_row = 3,
            |one| one.config.threads = [1024, 1024],
            |one| one.config.partitions = 2,
            |one| one.config.partitions = 0,
            |one| one.convolution.pool = 3,
            |one| one.convolution.batch = 0,
            |one| one.convolution.batch = usize::MAX / 64,
            |one| one.convolution.filters = 1 << 40,
            |one| one.convolution.window.stride = [0, 1],
            |one| one.convolution.window.output = [1, 6],
            |one| one.convolution.window.pad = [3, 0],
            |one| one.convolution.window.stride = [1 << 33, 1],
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_eq!(of(change), Checks::All, "change {number}");
        }
        let pool = PoolBackward { batch: 2, window: convolution.window, relu_mask: None };
        assert_eq!(checks(&pool, &[MOST_WORDS; 4]), Checks::Addresses);
        let stands = PoolBackward { window: Window { stride: [1, 0], ..pool.window }, ..pool };
        assert_eq!(checks(&stands, &[MOST_WORDS; 4]), Checks::All);
    }

    #[test]
    fn depthwise_numbers_that_do_not_fit_together_are_not_trusted() {
        let window = convolutions()[3].window;
        let depthwise = Depthwise { batch: 2, window, multiplier: 3, bias: true };
        let kernel = DepthwiseWeightGradient { depthwise, partition_images: 1 };
        let of = |change: fn(&mut DepthwiseWeightGradient)| {
            let mut kernel = kernel;
            change(&mut kernel);
            let DepthwiseWeightGradient { depthwise, .. } = kernel;
            let forward = DepthwiseForward { depthwise, relu: true };
            let of_input = DepthwiseInputGradient { depthwise, relu_mask: None };
            let kernels: [&(dyn Kernel + 'static); 3] = [&forward, &of_input, &kernel];
            kernels.map(|kernel| checks(kernel, &vec![MOST_WORDS; kernel.descriptor().bindings.len()]))
        };
        assert_eq!(of(|_| ()), [Checks::Addresses; 3]);
        let changes: [fn(&mut DepthwiseWeightGradient); 6] = [
            |one| one.depthwise.multiplier = 0,
            |one| one.depthwise.multiplier = usize::MAX / 2,
            |one| one.depthwise.batch = usize::MAX / 64,
            |one| one.depthwise.window.stride = [1, 0],
            |one| one.depthwise.window.size = [1 << 40, 1 << 40],
            |one| one.depthwise.window.pad = [3, 0],
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_eq!(of(change), [Checks::All; 3], "change {number}");
        }
        assert_eq!(of(|one| one.partition_images = 0)[2], Checks::All);
    }
}
