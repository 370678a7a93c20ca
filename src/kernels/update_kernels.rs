//! What the kernels of optimizers share. Their bindings are gradients, numbers of the step, progress, the table of
//! variables, weights, and each of the optimizer's states.

use std::mem;

use super::updates::{Update, Updates};
use super::vectors::vectorised;
use super::{Constants, Progress, floats, floats_mut};

/// Values of a block.
const BLOCK: usize = 4096;

impl Updates {
    /// Those of the parts `variables`, `gradient` and `update`.
    pub(super) fn update_constants(&self) -> Constants {
        [self.constants(), self.gradient_constants(), self.numbers.constants()].concat()
    }

    /// Operations beside the optimizer's own.
    pub(super) fn update_operations(&self) -> usize {
        let decaying = self.variables.iter().filter(|variable| variable.decays && self.numbers.decay.is_some());
        let decaying: usize = decaying.map(|variable| variable.gradient.words).sum();
        let clipped = if self.numbers.factor.is_some() { self.values() } else { 0 };
        self.gradient_values() + clipped + 2 * decaying
    }

    /// See [`Kernel::traffic`](super::Kernel::traffic).
    pub(super) fn update_traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "gradient" => self.gradient_values(),
            "rates" => self.numbers.count,
            "progress" | "variables" => words,
            _ => 2 * self.values(),
        }
    }

    /// See [`Kernel::words`](super::Kernel::words).
    pub(super) fn update_words(&self, states: usize) -> Vec<usize> {
        let [gradient, table, values] = self.words();
        [vec![gradient, self.numbers.count, Progress::WORDS, table], vec![values; 1 + states]].concat()
    }

    /// Updates each variable of the table. `buffers` are the weights and each of the optimizer's states; `update` is
    /// called with the step's rate, a block of each of them, and of the gradient: added up, and clipped. Weights are
    /// decayed before.
    pub(super) fn update<const BUFFERS: usize>(
        &self,
        [gradient, rates, progress, table]: [&[u32]; 4],
        mut buffers: [&mut [u32]; BUFFERS],
        update: impl Fn(f32, &mut [&mut [f32]; BUFFERS], &[f32]) + Sync,
    ) {
        let gradient = floats(gradient);
        let step = self.numbers.of(floats(rates), Progress::read(progress));
        if self.numbers.skips && step.factor == Some(0.0) {
            return;
        }
        for Update { first, gradient: partitions, decays } in self.read(table) {
            let decay = step.decay.filter(|_| decays);
            let Some(values) = values(&mut buffers, first, partitions.words) else { continue };
            each_block(0, values, &|start, mut values| {
                let mut block = [0.0; BLOCK];
                let sum = &mut block[..values[0].len()];
                partitions.add_up(self.micro_batches, gradient, start, sum);
                let gradient = sum;
                vectorised(
                    #[inline(always)]
                    || {
                        if let Some(factor) = step.factor {
                            gradient.iter_mut().for_each(|gradient| *gradient *= factor);
                        }
                        if let Some(decay) = decay {
                            values[0].iter_mut().for_each(|weight| *weight -= *weight * decay);
                        }
                        update(step.rate, &mut values, gradient);
                    },
                );
            });
        }
    }
}

/// So many values of each buffer from `first` on, if they have them.
pub(super) fn values<'a, const BUFFERS: usize>(
    buffers: &'a mut [&mut [u32]; BUFFERS],
    first: usize,
    words: usize,
) -> Option<[&'a mut [f32]; BUFFERS]> {
    let values = buffers.each_mut().map(|buffer| floats_mut(buffer).get_mut(first..first + words).unwrap_or_default());
    values.iter().all(|values| values.len() == words).then_some(values)
}

/// Calls `work` with each block of slices that are equally long, and where it begins.
pub(super) fn each_block<const SLICES: usize>(
    start: usize,
    mut slices: [&mut [f32]; SLICES],
    work: &(impl Fn(usize, [&mut [f32]; SLICES]) + Sync),
) {
    let words = slices[0].len();
    if words <= BLOCK {
        return work(start, slices);
    }
    let middle = words.div_ceil(2).next_multiple_of(BLOCK);
    let later = slices.each_mut().map(|slice| {
        let (own, later) = mem::take(slice).split_at_mut(middle);
        *slice = own;
        later
    });
    rayon::join(|| each_block(start, slices, work), || each_block(start + middle, later, work));
}
