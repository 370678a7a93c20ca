//! What a pass over variables goes over: many of them, small and large, in buffers that they share.

use super::grid;
use super::specialise::Constants;
use super::step_numbers::StepNumbers;

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
    /// The partitions in a buffer of gradients, in the order in which they are added up: micro-batch after micro-batch,
    /// as far as the buffer has them.
    pub fn of<'a>(
        self,
        micro_batches: MicroBatches,
        gradients: &'a [f32],
    ) -> impl Iterator<Item = &'a [f32]> + Clone + use<'a> {
        let Self { first, words, count, stride } = self;
        let of_micro_batch = move |number| (0..count).map(move |at| number * micro_batches.stride + at * stride);
        let starts = (0..micro_batches.count).flat_map(of_micro_batch).map(move |start| first + start);
        starts.map_while(move |start| gradients.get(start..start + words))
    }
}

/// The micro-batches of a step, each of which leaves gradients of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicroBatches {
    pub count: usize,
    /// Words from one's gradients to the next one's.
    pub stride: usize,
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

    /// Those of the parts `read_ahead` and `gradient`.
    pub(super) fn gradient_constants(&self) -> Constants {
        let MicroBatches { count, stride } = self.micro_batches;
        vec![
            ("MICRO_BATCHES", count.into()),
            ("MICRO_BATCH_STRIDE", stride.into()),
            ("READ_AHEAD", self.read_ahead.into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_is_added_up_partition_by_partition_and_micro_batch_by_micro_batch() {
        let buffer: Vec<f32> = (0..40).map(|at| at as f32).collect();
        let micro_batches = MicroBatches { count: 2, stride: 20 };
        let gradient = Partitions { first: 1, words: 2, count: 3, stride: 5 };
        let firsts =
            |gradient: Partitions| gradient.of(micro_batches, &buffer).map(|values| values[0]).collect::<Vec<f32>>();
        assert_eq!(firsts(gradient), [1.0, 6.0, 11.0, 21.0, 26.0, 31.0]);
        assert_eq!(firsts(Partitions { first: 18, ..gradient }), [18.0, 23.0, 28.0, 38.0]);
        assert_eq!(firsts(Partitions { first: usize::MAX >> 8, ..gradient }), [0.0; 0]);
    }

    #[test]
    fn every_workgroup_finds_its_variable_in_the_table() {
        let update = |first, words, from, decays| Update {
            first,
            gradient: Partitions { first: from, words, count: 3, stride: 200 },
            decays,
        };
        let variables = vec![update(0, 257, 10, true), update(257, 1, 267, false), update(320, 512, 700, true)];
        let (micro_batches, numbers) = (MicroBatches { count: 1, stride: 0 }, StepNumbers::default());
        let updates = Updates { variables, micro_batches, numbers, read_ahead: false };
        let table = updates.table();
        assert_eq!(table[..5], [5, 5, 12, 19, 19]);
        assert_eq!(table[5..12], [0, 257, 0, 10, 3, 200, 1]);
        assert_eq!(table[12..], [2, 1, 257, 267, 3, 200, 0, 3, 512, 320, 700, 3, 200, 1]);
        assert!(updates.read(&table).eq(updates.variables.iter().copied()));
        assert_eq!((updates.words()[1], updates.read(&table[..4]).count()), (table.len(), 0));
    }
}
