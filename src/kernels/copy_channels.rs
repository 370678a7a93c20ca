//! Channels side by side with others: host side and CPU reference of `shaders/copy_channels.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::relu_mask::{self, ReluMask};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write_activation};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "copy_channels",
    about: "copies channels into a value that has more, or out of it: one input of a concatenation, and its gradient",
    wgsl: shader!("copy_channels", "relu_mask"),
    bindings: &[read_activation("source"), read_activation("input"), write_activation("copy")],
    cases,
};

/// copy `[positions, channels]`, or these channels of a wider one, of the source's.
#[derive(Clone, Copy, Debug)]
pub struct CopyChannels {
    pub positions: usize,
    pub channels: usize,
    pub source: Columns,
    pub copy: Columns,
    /// Of the input, where the copy is its gradient.
    pub relu_mask: ReluMask,
}

/// Where some channels are in a value.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// The first of them.
    pub first: usize,
    /// All that the value has.
    pub all: usize,
}

const THREADS: usize = 64;

impl Kernel for CopyChannels {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let shape = vec![
            ("POSITIONS", self.positions.into()),
            ("CHANNELS", self.channels.into()),
            ("SOURCE_CHANNELS", self.source.all.into()),
            ("SOURCE_FIRST", self.source.first.into()),
            ("TARGET_CHANNELS", self.copy.all.into()),
            ("TARGET_FIRST", self.copy.first.into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [shape, relu_mask::constants(self.relu_mask)].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid((self.positions * self.channels).div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        0
    }

    fn traffic(&self, binding: &str, _: usize) -> usize {
        match binding {
            "input" if self.relu_mask.is_none() => 0,
            _ => self.positions * self.channels,
        }
    }

    fn words(&self) -> Vec<usize> {
        let [source, copy] = [self.source, self.copy].map(|columns| self.positions * columns.all);
        vec![source, if self.relu_mask.is_some() { copy } else { 1 }, copy]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [source, input, copy] = memory else { unreachable!("{BINDINGS}") };
        let (source, input) = (floats(source), floats(input));
        let Self { positions, channels, relu_mask, source: from, copy: to } = *self;
        // Positions of a task.
        const BLOCK: usize = 512;
        let blocks = floats_mut(copy)[..positions * to.all].par_chunks_mut(BLOCK * to.all).enumerate();
        blocks.for_each(|(block, copies)| {
            vectorised(
                #[inline(always)]
                || {
                    for (row, copy) in copies.chunks_exact_mut(to.all).enumerate() {
                        let position = block * BLOCK + row;
                        let copy = &mut copy[to.first..][..channels];
                        copy.copy_from_slice(&source[position * from.all + from.first..][..channels]);
                    }
                },
            );
            // Only a gradient of all channels has a mask.
            relu_mask::apply(relu_mask, input, block * BLOCK * to.all, copies);
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (positions, channels, first, all, out)): (usize, (usize, usize, usize, usize, bool))| {
        let draw = &mut Draw::new(number);
        let (own, wide) = (Columns { first: 0, all: channels }, Columns { first, all });
        let [source, copy] = if out { [wide, own] } else { [own, wide] };
        let relu_mask = [None, Some(1.0), Some(2.0)][number % 3].filter(|_| out);
        let kernel = CopyChannels { positions, channels, source, copy, relu_mask };
        let copies = positions * copy.all;
        // What is beside the copied channels stays as it is.
        let copy = if out { unwritten(copies) } else { draw.eighths(copies) };
        let memory = vec![draw.eighths(positions * source.all), draw.eighths(copies), copy];
        case(
            format!("{positions} x {channels} at {first} of {all}, out {out}, ReLU mask {relu_mask:?}"),
            kernel,
            memory,
        )
    };
    let cases = [
        (18, 3, 0, 5, false),
        (18, 2, 3, 5, true),
        (7, 65, 1, 100, true),
        (33, 1, 2, 3, false),
        (32_769, 65, 3, 68, false),
        (1, 64, 64, 128, true),
        (1100, 4, 0, 9, true),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
