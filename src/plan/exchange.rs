//! What processes exchange that share a step: sums over their own micro-batches, which become those over all of them.

use std::ops::Range;

use super::buffers::Buffers;
use super::{BufferId, Pass, pass};
use crate::kernels::SubtreeSum;
use crate::parallel::{Share, joins, subtrees};

/// The buffers that are exchanged, and who adds up what.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub share: Share,
    pub parts: Vec<ExchangedPart>,
    /// `[subtrees of all ranks, words that this rank adds up]`: their sums.
    pub received: BufferId,
    /// `[words that this rank adds up]`: the sums of these.
    pub added_up: BufferId,
}

/// Of the variables of one buffer.
#[derive(Clone, Copy, Debug)]
pub struct ExchangedPart {
    /// `[subtrees of this rank, words]`: sums over its own micro-batches.
    pub sums: BufferId,
    /// `[words]`: sums over all micro-batches.
    pub totals: BufferId,
    pub words: usize,
}

impl Exchange {
    /// Its buffers, and the passes that add up this rank's words of all subtrees.
    pub(crate) fn new(share: Share, parts: Vec<ExchangedPart>, buffers: &mut Buffers) -> (Self, Vec<Pass>) {
        let all = share.all_subtrees();
        let unmade = Self { share, parts, received: BufferId(0), added_up: BufferId(0) };
        let words = unmade.ranges()[unmade.share.rank].len();
        let received = buffers.add("exchange.received", vec![all.len(), words]);
        let added_up = buffers.add("exchange.added_up", vec![words]);
        let kernel = SubtreeSum { words, joins: joins(&all) };
        let table = buffers.add_filled("exchange.joins", kernel.joins.clone());
        let add = pass("exchange", kernel, &[received, table, added_up]);
        (Self { received, added_up, ..unmade }, if words > 0 { vec![add] } else { Vec::new() })
    }

    /// The words of all parts, one after the other, that each rank adds up.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        self.share.words(self.parts.iter().map(|part| part.words).sum())
    }

    /// Subtrees of each rank.
    pub fn subtrees(&self) -> Vec<usize> {
        self.share.ranges.iter().cloned().map(|range| subtrees(range).len()).collect()
    }
}
