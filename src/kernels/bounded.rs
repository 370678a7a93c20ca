//! Which kernels stay within their buffers by their constants alone, and how large those have to be.
//!
//! The three products are compiled without run-time checks, which would take from 1.5 to 40 times as long. That is sound
//! for these reasons, which hold whatever the buffers hold:
//!
//! - The kernel's *type* is one of this crate's three: another type's shader, constants or workgroups are never trusted.
//! - No address depends on a value from a buffer: `argmax` is only compared with, and there are no other integers.
//! - Rows of a left matrix that are none are clamped to the last one (`conv_forward`, `conv_weight_gradient`) or have a y
//!   that is outside (`conv_input_gradient`); columns are clamped to the last one. What is stored asks first, but where
//!   every row and column that is dispatched is one. [`Product::broken_rule`] has what makes tile, slots and geometry fit
//!   together, so that places in a tile are places in its array, and no u32 wraps.
//! - Each binding has the words of [`Kernel::words`], which is asked of the buffer itself.

use super::{Kernel, Tiled};

/// Words of the largest buffer: the shaders count elements in u32, and bytes have to fit, too.
pub const MOST_WORDS: usize = 1 << 30;

/// Whether the kernel's shader stays within its own arrays and within buffers of so many `words`, one for each binding,
/// without any check at run time.
pub fn stays_within(kernel: &(dyn Kernel + 'static), words: &[usize]) -> bool {
    Tiled::of(kernel).is_some() && words.iter().all(|&words| words <= MOST_WORDS) && misfit(kernel, words).is_none()
}

/// What is wrong with the kernel, or with buffers of so many `words` for its bindings; none where nothing is.
pub fn misfit(kernel: &(dyn Kernel + 'static), words: &[usize]) -> Option<String> {
    let row = kernel.row();
    // First of all: where the rules hold, no number below wraps.
    if let Some(rule) = Tiled::of(kernel).and_then(|tiled| tiled.broken_rule()) {
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
    use super::super::convolution_cases::convolutions;
    use super::super::{Constants, ConvForward, Row, TABLE, Tiles};
    use super::*;

    /// Every product of the table's cases is trusted with its own buffers, and with none that is a word shorter; nothing
    /// else is.
    #[test]
    fn the_products_alone_are_trusted_and_only_with_whole_buffers() {
        for row in TABLE {
            let product = ["conv_forward", "conv_weight_gradient", "conv_input_gradient"].contains(&row.name);
            for case in (row.cases)() {
                let words: Vec<usize> = case.memory.iter().map(Vec::len).collect();
                assert_eq!(misfit(&*case.kernel, &words), None, "{}: {}", row.name, case.label);
                assert_eq!(stays_within(&*case.kernel, &words), product, "{}: {}", row.name, case.label);
                for (binding, needed) in case.kernel.words().into_iter().enumerate() {
                    let mut short = words.clone();
                    short[binding] = needed - 1;
                    assert!(!stays_within(&*case.kernel, &short), "{}: {}", row.name, case.label);
                    assert!(misfit(&*case.kernel, &short).is_some(), "{}: {}", row.name, case.label);
                }
            }
        }
    }

    /// A kernel of another type that says the same of itself.
    #[derive(Debug)]
    struct Pretender(ConvForward);

    impl Kernel for Pretender {
        fn row(&self) -> &'static Row {
            self.0.row()
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

        fn twin(&self, memory: &mut [&mut [u32]]) {
            self.0.twin(memory);
        }
    }

    #[test]
    fn another_type_or_numbers_that_do_not_fit_together_are_not_trusted() {
        let convolution = convolutions()[3];
        let kernel = ConvForward { convolution, relu: true, tile: Tiles::Gpu.forward(&convolution), slots: 1 };
        let trusted = |change: fn(&mut ConvForward)| {
            let mut kernel = kernel;
            change(&mut kernel);
            stays_within(&kernel, &[MOST_WORDS; 4])
        };
        assert!(trusted(|_| ()));
        assert!(!stays_within(&Pretender(kernel), &[MOST_WORDS; 4]));
        assert!(!stays_within(&kernel, &[MOST_WORDS; 3]));
        let changes: [fn(&mut ConvForward); 14] = [
            |one| one.tile.rows = 6,
            |one| one.tile.depth = 0,
            |one| one.tile.share = 3,
            |one| one.tile.threads = [1024, 1024],
            |one| one.slots = 2,
            |one| one.slots = 0,
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
            assert!(!trusted(change), "change {number}");
        }
    }
}
