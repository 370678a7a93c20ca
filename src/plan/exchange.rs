//! What processes exchange that share a step: sums over their own micro-batches, which become those over all of them.

use std::ops::Range;

use super::buffers::Buffers;
use super::{BufferId, Pass, Program, pass};
use crate::kernels::SubtreeSum;
use crate::parallel::{Share, joins, subtrees};

/// The buffers that are exchanged, and who adds up what.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub share: Share,
    /// In their order: each goes on its way while the next one's program runs.
    pub rounds: Vec<Round>,
}

/// What is exchanged at a time.
#[derive(Clone, Debug)]
pub struct Round {
    /// Which leaves the sums.
    pub program: Program,
    pub parts: Vec<ExchangedPart>,
    /// The words of all parts, one after the other, that each rank adds up.
    pub ranges: Vec<Range<usize>>,
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
    /// Sums over all micro-batches, from word `first` on.
    pub totals: BufferId,
    pub first: usize,
    pub words: usize,
}

impl Exchange {
    /// The buffers of rounds, each with its parts and the program that leaves their sums, and the passes that add up this
    /// rank's words of all subtrees.
    pub(crate) fn new(
        share: Share,
        rounds: Vec<(Program, Vec<ExchangedPart>)>,
        buffers: &mut Buffers,
    ) -> (Self, Vec<Pass>) {
        let all = share.all_subtrees();
        let joins = joins(&all);
        let table = buffers.add_filled("exchange.joins", joins.clone());
        let (mut made, mut passes) = (Vec::new(), Vec::new());
        for (number, (program, parts)) in rounds.into_iter().enumerate() {
            let ranges = share.words(parts.iter().map(|part| part.words).sum());
            let words = ranges[share.rank].len();
            let received = buffers.add(&format!("exchange.received_{number}"), vec![all.len(), words]);
            let added_up = buffers.add(&format!("exchange.added_up_{number}"), vec![words]);
            if words > 0 {
                let kernel = SubtreeSum { words, joins: joins.clone() };
                passes.push(pass("exchange", kernel, &[received, table, added_up]));
            }
            made.push(Round { program, parts, ranges, received, added_up });
        }
        (Self { share, rounds: made }, passes)
    }

    /// Subtrees of each rank.
    pub fn subtrees(&self) -> Vec<usize> {
        self.share.ranges.iter().cloned().map(|range| subtrees(range).len()).collect()
    }
}
