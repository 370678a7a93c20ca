//! Where a step that processes share is cut into rounds, and what each round sends.

use std::iter;
use std::ops::Range;

use super::{ExchangedPart, Pass};

/// Where a process' last micro-batch is interrupted: from there on nothing changes the gradients of some layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// The first one of these layers, by its number among those with variables.
    pub layer: usize,
    /// Passes of the micro-batch before it.
    pub passes: usize,
}

/// The sums that go on their way together.
pub(crate) struct Summed {
    /// Of which layers, by their numbers.
    pub layers: Range<usize>,
    /// The passes that make them.
    pub passes: Vec<Pass>,
    pub parts: Vec<ExchangedPart>,
}

impl Cut {
    /// The layers of each round.
    pub fn rounds(cut: Option<Self>) -> Vec<Range<usize>> {
        let earlier = cut.map(|cut| 0..cut.layer);
        let later = cut.map_or(0, |cut| cut.layer)..usize::MAX;
        iter::once(later).chain(earlier).collect()
    }
}

impl Summed {
    /// None yet.
    pub fn of(layers: Range<usize>) -> Self {
        Self { layers, passes: Vec::new(), parts: Vec::new() }
    }
}
