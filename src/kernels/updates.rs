//! What a pass over variables goes over: many of them, small and large, in buffers that they share.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::grid;
use super::specialise::Constants;
use super::step_numbers::StepNumbers;
use super::vectors::vectorised;

/// Threads of a workgroup, each with one value of a variable.
pub(super) const THREADS: usize = 256;

/// Where the gradient of a variable of so many `words` lies in what a product writes: in `count` partial sums (split-K
/// partitions), each `stride` words after the one before. The gradient is their sum, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// Word of the first partition.
    pub first: usize,
    pub words: usize,
    pub count: usize,
    pub stride: usize,
}

impl Partitions {
    /// Adds to `sum`, which is zeros, as many values of the gradient as that has, from value `start` on: of all
    /// micro-batches in their order, as far as the buffer has them.
    pub fn add_up(self, micro_batches: MicroBatches, gradients: &[f32], start: usize, sum: &mut [f32]) {
        if !micro_batches.are_a_tree() {
            return (0..micro_batches.count).for_each(|one| self.add(micro_batches, one, gradients, start, sum));
        }
        for (number, sum) in sum.chunks_mut(TREE_BLOCK).enumerate() {
            self.add_tree(micro_batches, 0..micro_batches.count, gradients, start + number * TREE_BLOCK, sum);
        }
    }

    /// The same of some micro-batches, as a tree.
    fn add_tree(self, all: MicroBatches, some: Range<usize>, gradients: &[f32], start: usize, sum: &mut [f32]) {
        let Some(left) = left_part(some.len()) else {
            return self.add(all, some.start, gradients, start, sum);
        };
        let (middle, mut right) = (some.start + left, [0.0; TREE_BLOCK]);
        let right = &mut right[..sum.len()];
        self.add_tree(all, some.start..middle, gradients, start, sum);
        self.add_tree(all, middle..some.end, gradients, start, right);
        vectorised(
            #[inline(always)]
            || sum.iter_mut().zip(&*right).for_each(|(sum, value)| *sum += value),
        );
    }

    /// The same of one micro-batch, partition after partition.
    fn add(self, all: MicroBatches, number: usize, gradients: &[f32], start: usize, sum: &mut [f32]) {
        let Self { first, words, count, stride } = self;
        let starts = (0..count).map(|at| first + number * all.stride + at * stride);
        let partitions = starts.map_while(|start| gradients.get(start..start + words));
        vectorised(
            #[inline(always)]
            || {
                for partition in partitions.clone() {
                    sum.iter_mut().zip(&partition[start..]).for_each(|(sum, value)| *sum += value);
                }
            },
        );
    }
}

/// In which order what a step's micro-batches leave is added up: another one gives other last bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradientOrder {
    /// One after the other, the first one first.
    #[default]
    Sequential,
    /// As a binary tree over their numbers, the sums of whole subtrees of which may be anyone's: of n, the first ones that
    /// are the largest power of two below n, and the others.
    Tree,
}

/// Values that a processor adds up as a tree at a time.
const TREE_BLOCK: usize = 2048;

/// Of a tree over so many, how many are the left ones; none where it is one alone.
pub fn left_part(count: usize) -> Option<usize> {
    (count > 1).then(|| count.next_power_of_two() / 2)
}

/// The micro-batches of a step, each of which leaves gradients of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicroBatches {
    pub count: usize,
    /// Words from one's gradients to the next one's.
    pub stride: usize,
    pub order: GradientOrder,
}

impl MicroBatches {
    /// One alone.
    pub const ONE: Self = Self { count: 1, stride: 0, order: GradientOrder::Sequential };

    /// Whether their order is not that of one after the other.
    fn are_a_tree(&self) -> bool {
        self.order == GradientOrder::Tree && self.count > 1
    }
}

/// One variable of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The variable's first word in the buffer of values, and in that of each state of the optimizer.
    pub first: usize,
    /// In what one micro-batch leaves in the buffer of gradients.
    pub gradient: Partitions,
    /// Whether it decays, where anything does.
    pub decays: bool,
}

/// All variables of a pass.
#[derive(Clone, Debug)]
pub struct Updates {
    pub variables: Vec<Update>,
    pub micro_batches: MicroBatches,
    pub numbers: StepNumbers,
    /// See [`DeviceProfile::read_ahead`](crate::gemm::DeviceProfile::read_ahead): it changes no sum.
    pub read_ahead: bool,
}

/// Words of a variable in the table: its first workgroup, its words, its first value, then the gradient's `first`,
/// `count` and `stride`, and whether it decays.
const ROW: usize = 7;

impl Updates {
    /// The table that shaders find their workgroup's variable in: `[workgroups]` places of variables in the table, then
    /// these `[variables, 7]`.
    pub fn table(&self) -> Vec<u32> {
        let all = self.workgroup_count();
        let (mut table, mut rows) = (Vec::new(), Vec::new());
        for Update { first, gradient: Partitions { first: from, words, count, stride }, decays } in &self.variables {
            let row = [table.len(), *words, *first, *from, *count, *stride, usize::from(*decays)];
            table.resize(table.len() + words.div_ceil(THREADS), (all + rows.len()) as u32);
            rows.extend(row.map(|word| word as u32));
        }
        [table, rows].concat()
    }

    /// The variables of a table, whatever it says.
    pub(super) fn read(&self, table: &[u32]) -> impl Iterator<Item = Update> {
        let rows = table.get(self.workgroup_count()..).unwrap_or_default();
        rows.chunks_exact(ROW).take(self.variables.len()).map(|row| {
            let [_, words, first, from, count, stride, decays] = [0, 1, 2, 3, 4, 5, 6].map(|at| row[at] as usize);
            Update { first, gradient: Partitions { first: from, words, count, stride }, decays: decays == 1 }
        })
    }

    /// Values of all variables.
    pub fn values(&self) -> usize {
        self.variables.iter().map(|variable| variable.gradient.words).sum()
    }

    /// Words of the gradients that are added up.
    pub fn gradient_values(&self) -> usize {
        let of = |Update { gradient, .. }: &Update| gradient.count * gradient.words;
        self.micro_batches.count * self.variables.iter().map(of).sum::<usize>()
    }

    /// The fewest words that the buffers of gradients, of the table, and of values must have.
    pub fn words(&self) -> [usize; 3] {
        let most = |end: &dyn Fn(&Update) -> usize| self.variables.iter().map(end).max().unwrap_or(0);
        let last =
            |Partitions { first, words, count, stride }: Partitions| first + count.saturating_sub(1) * stride + words;
        let gradient = self.micro_batches.count.saturating_sub(1) * self.micro_batches.stride
            + most(&|variable| last(variable.gradient));
        [
            gradient,
            self.workgroup_count() + ROW * self.variables.len(),
            most(&|variable| variable.first + variable.gradient.words),
        ]
    }

    /// Each variable begins with a workgroup of its own.
    pub fn workgroup_count(&self) -> usize {
        self.variables.iter().map(|variable| variable.gradient.words.div_ceil(THREADS)).sum()
    }

    /// Workgroups to dispatch.
    pub(super) fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.workgroup_count());
        [x, y, 1]
    }

    /// Those of the part `variables`.
    pub(super) fn constants(&self) -> Constants {
        vec![
            ("WORKGROUPS", self.workgroup_count().into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    /// Those of the parts `read_ahead`, `tree` and `gradient`.
    pub(super) fn gradient_constants(&self) -> Constants {
        let MicroBatches { count, stride, .. } = self.micro_batches;
        let tree = self.micro_batches.are_a_tree();
        let levels = if tree { (count - 1).ilog2() as usize + 1 } else { 1 };
        vec![
            ("MICRO_BATCHES", count.into()),
            ("MICRO_BATCH_STRIDE", stride.into()),
            ("TREE", tree.into()),
            ("LEVELS", levels.into()),
            ("READ_AHEAD", self.read_ahead.into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_is_the_sum_of_all_partitions_of_all_micro_batches() {
        let buffer: Vec<f32> = (0..40).map(|at| at as f32).collect();
        let gradient = Partitions { first: 1, words: 2, count: 3, stride: 5 };
        for order in [GradientOrder::Sequential, GradientOrder::Tree] {
            let micro_batches = MicroBatches { count: 2, stride: 20, order };
            let sum = |gradient: Partitions, start, mut sum: Vec<f32>| {
                gradient.add_up(micro_batches, &buffer, start, &mut sum);
                sum
            };
            assert_eq!(sum(gradient, 0, vec![0.0; 2]), [1.0 + 6.0 + 11.0 + 21.0 + 26.0 + 31.0, 102.0]);
            assert_eq!(sum(gradient, 1, vec![0.0]), [102.0]);
            // As far as the buffer has them.
            assert_eq!(sum(Partitions { first: 18, ..gradient }, 0, vec![0.0]), [18.0 + 23.0 + 28.0 + 38.0]);
            assert_eq!(sum(Partitions { first: usize::MAX >> 8, ..gradient }, 0, vec![0.0]), [0.0]);
        }
    }

    /// With a large number among small ones the sum tells in which order it was made.
    #[test]
    fn micro_batches_are_added_up_in_the_order_that_is_asked_for() {
        let expected = |values: &[f32], order| match order {
            GradientOrder::Sequential => values.iter().fold(0.0, |sum, value| sum + value),
            GradientOrder::Tree => tree(values),
        };
        fn tree(values: &[f32]) -> f32 {
            match values {
                [one] => *one,
                [a, b] => a + b,
                [a, b, c] => (a + b) + c,
                [a, b, c, d] => (a + b) + (c + d),
                [first @ .., a] if first.len() == 4 => tree(first) + a,
                _ => tree(&values[..4]) + tree(&values[4..]),
            }
        }
        let mut apart = 0;
        for count in 1..=8 {
            for large in 0..count {
                let values: Vec<f32> = (0..count).map(|at| if at == large { 16_777_216.0 } else { 1.0 }).collect();
                let gradient = Partitions { first: 0, words: 1, count: 1, stride: 0 };
                let sums = [GradientOrder::Sequential, GradientOrder::Tree].map(|order| {
                    let mut sum = [0.0];
                    gradient.add_up(MicroBatches { count, stride: 1, order }, &values, 0, &mut sum);
                    assert_eq!(sum[0], expected(&values, order), "{count}, {large}, {order:?}");
                    sum[0]
                });
                apart += usize::from(sums[0] != sums[1]);
            }
        }
        assert!(apart > 10, "{apart}");
    }

    #[test]
    fn every_workgroup_finds_its_variable_in_the_table() {
        let update = |first, words, from, decays| Update {
            first,
            gradient: Partitions { first: from, words, count: 3, stride: 200 },
            decays,
        };
        let variables = vec![update(0, 257, 10, true), update(257, 1, 267, false), update(320, 512, 700, true)];
        let (micro_batches, numbers) = (MicroBatches::ONE, StepNumbers::default());
        let updates = Updates { variables, micro_batches, numbers, read_ahead: false };
        let table = updates.table();
        assert_eq!(table[..5], [5, 5, 12, 19, 19]);
        assert_eq!(table[5..12], [0, 257, 0, 10, 3, 200, 1]);
        assert_eq!(table[12..], [2, 1, 257, 267, 3, 200, 0, 3, 512, 320, 700, 3, 200, 1]);
        assert!(updates.read(&table).eq(updates.variables.iter().copied()));
        assert_eq!((updates.words()[1], updates.read(&table[..4]).count()), (table.len(), 0));
    }
}
