//! The most an adapter's memory moves: host side and CPU reference of `shaders/ceiling_bandwidth.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::{BINDINGS, Constants, Descriptor, Kernel, grid, read, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "ceiling_bandwidth",
    about: "copies a buffer: measures the most the adapter's memory moves",
    wgsl: shader!("ceiling_bandwidth"),
    bindings: &[read("source"), write("copy")],
    cases,
};

/// copy `[words]` of source `[words]`.
#[derive(Clone, Copy, Debug)]
pub struct CeilingBandwidth {
    pub words: usize,
}

const THREADS: usize = 256;
/// Words of one thread.
const THREAD_WORDS: usize = 16;

impl Kernel for CeilingBandwidth {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("WORDS", self.words.into()),
            ("THREADS", THREADS.into()),
            ("THREAD_WORDS", THREAD_WORDS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.words.div_ceil(THREADS * THREAD_WORDS));
        [x, y, 1]
    }

    /// None: it only moves.
    fn operations(&self) -> usize {
        0
    }

    fn words(&self) -> Vec<usize> {
        vec![self.words; 2]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [source, copy] = memory else { unreachable!("{BINDINGS}") };
        const BLOCK: usize = 65_536;
        let blocks = copy[..self.words].par_chunks_mut(BLOCK).zip(source[..self.words].par_chunks(BLOCK));
        blocks.for_each(|(copy, source)| copy.copy_from_slice(source));
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, words): (usize, usize)| {
        let memory = vec![Draw::new(number).eighths(words), unwritten(words)];
        case(format!("{words} words"), CeilingBandwidth { words }, memory)
    };
    [1, 255, 4096, 10_001].into_iter().enumerate().map(make).collect()
}
