//! What processes that share a step exchange first, while the rest of it is still computed.

use std::ops::Range;

use super::arenas::{Arena, Arenas, Division, moments};
use super::buffers::Buffers;
use super::cut::{Cut, Summed};
use super::{BufferId, ExchangedPart, HostBuffers, Pass, pass};
use crate::kernels::{GradientSum, MicroBatches, Moving, MovingStatistics, Update, Updates, WeighMoments};
use crate::parallel::subtrees;

impl Arenas {
    /// The cut of a micro-batch's passes where the most words can go on their way while the most is still to be computed:
    /// where the product of both is largest, whatever the speeds of network and device. So all processes find the same
    /// one. None where no more than `worthless` operations are left.
    pub fn cut(&self, passes: &[Pass], worthless: usize) -> Option<Cut> {
        let changing = self.0.iter().filter(|arena| !arena.is_fixed);
        let mut layers: Vec<(usize, usize, usize)> = changing.flat_map(|arena| arena.last_uses(passes)).collect();
        layers.sort_unstable();
        let (mut words, mut before, mut most, mut best) = (0, 0, 0, None);
        for (layer, values, end) in layers.into_iter().skip(1).rev() {
            words += values;
            before = end.max(before);
            let left: usize = passes[before..].iter().map(|pass| pass.kernel.operations()).sum();
            let product = words as u128 * left as u128;
            if left > worthless && product > most {
                (most, best) = (product, Some(Cut { layer, passes: before }));
            }
        }
        best
    }
}

impl Arena {
    /// Of each layer its number, the values of its variables, and how many passes there are up to the last one that binds
    /// its gradients.
    fn last_uses(&self, passes: &[Pass]) -> Vec<(usize, usize, usize)> {
        let mut ends = vec![0; self.layers.len()];
        for (number, pass) in passes.iter().enumerate() {
            for (_, first) in pass.buffers.iter().zip(&pass.offsets).filter(|(buffer, _)| **buffer == self.gradients) {
                if let Some(layer) = self.layers.iter().rposition(|layer| layer.first_gradient <= *first) {
                    ends[layer] = number + 1;
                }
            }
        }
        self.layers.iter().zip(ends).map(|(layer, end)| (layer.number, layer.values(), end)).collect()
    }

    /// Where the values of some layers lie, which are neighbours.
    fn values_of(&self, layers: &Range<usize>) -> Range<usize> {
        let first =
            |number| self.layers.iter().find(|layer| layer.number >= number).map_or(self.words, |one| one.first);
        first(layers.start)..first(layers.end)
    }
}

impl Summed {
    /// Adds those of a buffer of variables, if it has some of these layers: the passes that add up gradients and moments
    /// over each subtree of this process' micro-batches.
    pub(super) fn add(
        &mut self,
        arena: &Arena,
        (name, totals): (&str, BufferId),
        buffers: &mut Buffers,
        host: &HostBuffers,
        division: &Division,
        updates: &Updates,
    ) {
        let values = arena.values_of(&self.layers);
        let is_of_these = |one: &Moving| values.contains(&one.moving_mean);
        let normalisations: Vec<Moving> = arena.normalisations().into_iter().filter(is_of_these).collect();
        let gradients = updates.variables.iter().filter(|update| values.contains(&update.first)).copied();
        let all = gradients.chain(normalisations.iter().map(moments));
        let variables: Vec<Update> = all.map(|one| Update { first: one.first - values.start, ..one }).collect();
        if variables.is_empty() {
            return;
        }
        let (own, micro_batches) = (division.own(), division.micro_batches(arena.gradient_words));
        let of_sums = format!("{name}.gradient.sums_{}", values.start);
        if !normalisations.is_empty() {
            let Division { batch, micro_batch, .. } = *division;
            let moving = MovingStatistics { normalisations, micro_batches, batch, micro_batch };
            let table = buffers.add_filled(&format!("{of_sums}.moments"), moving.table());
            let weigh = WeighMoments { moving, first: own.start };
            self.passes.push(pass(name, weigh, &[arena.gradients, host.progress, table]));
        }
        let (subtrees, words) = (subtrees(own.clone()), values.len());
        let sums = buffers.add(&of_sums, vec![subtrees.len(), words]);
        let summed = Updates { variables, ..updates.clone() };
        let table = buffers.add_filled(&format!("{of_sums}.table"), summed.table());
        for (number, subtree) in subtrees.into_iter().enumerate() {
            let micro_batches = MicroBatches { count: subtree.len(), ..micro_batches };
            let kernel = GradientSum { updates: Updates { micro_batches, ..summed.clone() } };
            let sum = pass(name, kernel, &[arena.gradients, table, sums]);
            let first = (subtree.start - own.start) * arena.gradient_words;
            self.passes.push(Pass { offsets: vec![first, 0, number * words], ..sum });
        }
        self.parts.push(ExchangedPart { sums, totals, first: values.start, words });
    }
}
