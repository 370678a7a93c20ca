//! What one update pass goes over: many variables, small and large, in buffers that they share.

use super::grid;

/// Threads of an update's workgroup, which each update one value.
pub const THREADS: usize = 64;

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

/// One variable of an update pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The variable's first word in the buffer of values, and in that of each state of the optimizer.
    pub first: usize,
    /// In what one micro-batch leaves in the buffer of gradients.
    pub gradient: Partitions,
}

/// All variables of an update pass.
#[derive(Clone, Debug)]
pub struct Updates {
    pub variables: Vec<Update>,
    pub micro_batches: MicroBatches,
}

/// Words of a variable in the table: its first workgroup, then `first`, `words`, and the gradient's `first`, `count`
/// and `stride`. The shaders' `struct Variable` has the same.
const DESCRIPTOR: usize = 6;

impl Updates {
    /// The table `[variables, 6]`, which shaders find their workgroup's variable in.
    pub fn table(&self) -> Vec<u32> {
        let mut workgroup = 0;
        let row = |Update { first, gradient }: &Update| {
            let Partitions { first: from, words, count, stride } = *gradient;
            let row = [workgroup, *first, words, from, count, stride].map(|word| word as u32);
            workgroup += words.div_ceil(THREADS);
            row
        };
        self.variables.iter().flat_map(row).collect()
    }

    /// The variables of a table, whatever it says.
    pub(super) fn read(table: &[u32]) -> impl Iterator<Item = Update> {
        table.chunks_exact(DESCRIPTOR).map(|row| {
            let [_, first, words, from, count, stride] = [0, 1, 2, 3, 4, 5].map(|at| row[at] as usize);
            Update { first, gradient: Partitions { first: from, words, count, stride } }
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
        [gradient, DESCRIPTOR * self.variables.len(), most(&|variable| variable.first + variable.gradient.words)]
    }

    /// Each variable begins with a workgroup of its own.
    pub fn workgroups(&self) -> [usize; 3] {
        let of = |Update { gradient, .. }: &Update| gradient.words.div_ceil(THREADS);
        let [x, y] = grid(self.variables.iter().map(of).sum());
        [x, y, 1]
    }

    /// The first step of the shaders' search for their variable: the largest power of two below the number of
    /// variables.
    pub fn search(&self) -> usize {
        self.variables.len().next_power_of_two() / 2
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
    fn the_search_begins_at_half_of_the_variables() {
        let search = |count| {
            let gradient = Partitions { first: 0, words: 1, count: 1, stride: 0 };
            let variables = vec![Update { first: 0, gradient }; count];
            Updates { variables, micro_batches: MicroBatches { count: 1, stride: 0 } }.search()
        };
        assert_eq!([1, 2, 3, 4, 5, 16, 17].map(search), [0, 1, 2, 2, 4, 8, 16]);
    }
}
