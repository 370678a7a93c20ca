//! The squares of all gradients, added up: host side and CPU reference of `shaders/gradient_squares.wgsl`.

use rayon::prelude::*;

use super::case::{Case, case, unwritten};
use super::update_cases::{UpdateCase, update_cases};
use super::updates::{THREADS, Update, Updates};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "gradient_squares",
    about: "adds up the partitions of gradients, and the squares of each workgroup's values",
    wgsl: shader!("gradient_squares", "variables", "read_ahead", "tree", "gradient", "workgroup_sum"),
    bindings: &[read("gradient"), read_words("variables"), write("squares")],
    cases,
};

/// The sums of squares of the gradients of all variables of `updates`, one for each workgroup.
#[derive(Clone, Debug)]
pub struct GradientSquares {
    pub updates: Updates,
}

/// Sums that a processor adds to at a time.
const LANES: usize = 16;

impl Kernel for GradientSquares {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        [self.updates.constants(), self.updates.gradient_constants()].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.updates.workgroups()
    }

    fn operations(&self) -> usize {
        2 * self.updates.values() + self.updates.gradient_values()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "gradient" => self.updates.gradient_values(),
            "squares" => self.updates.workgroup_count(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let [gradient, table, _] = self.updates.words();
        vec![gradient, table, self.updates.workgroup_count()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradient, table, squares] = memory else { unreachable!("{BINDINGS}") };
        let (gradient, mut squares) = (floats(gradient), floats_mut(squares));
        for Update { gradient: partitions, .. } in self.updates.read(table) {
            let workgroups = partitions.words.div_ceil(THREADS).min(squares.len());
            let (own, later) = squares.split_at_mut(workgroups);
            squares = later;
            own.par_iter_mut().enumerate().with_min_len(16).for_each(|(number, square)| {
                let first = number * THREADS;
                let count = THREADS.min(partitions.words - first);
                let mut sums = [0.0; THREADS];
                let mut lanes = [0.0; LANES];
                partitions.add_up(self.updates.micro_batches, gradient, first, &mut sums[..count]);
                vectorised(
                    #[inline(always)]
                    || {
                        for sums in sums.as_chunks::<LANES>().0 {
                            lanes.iter_mut().zip(sums).for_each(|(lane, sum)| *lane += sum * sum);
                        }
                    },
                );
                *square = lanes.iter().sum();
            });
        }
    }
}

fn cases() -> Vec<Case> {
    update_cases(|_, mut start| {
        let gradients = start.gradients();
        let gradients = start.draw.eighths(gradients);
        let UpdateCase { label, updates, .. } = start;
        let memory = vec![gradients, updates.table(), unwritten(updates.workgroup_count())];
        case(label, GradientSquares { updates }, memory)
    })
}
