//! What follows a product, number by number: host side and CPU reference of `shaders/pointwise.wgsl`.

use std::ops::Range;

use rayon::prelude::*;

use super::activation::{EXAMPLES, Function, Given};
use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::channels::{Tile, task, widen, width};
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, read, read_activation, write_activation};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "pointwise",
    about: "normalises each channel, adds another value, applies an activation: each where it is asked to",
    wgsl: shader!("pointwise", "activation", "channels"),
    bindings: &[read_activation("x"), read("affine"), read_activation("other"), write_activation("output")],
    cases,
};

/// Where another value is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Ahead of the activation.
    Before,
    /// To what it gives.
    After,
}

/// output `[values]` = activate(x * scale + shift + before) + after, all of `[positions, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Pointwise {
    pub values: usize,
    pub channels: usize,
    /// Whether each channel is scaled and moved, by the last two rows of affine `[4, channels]`
    /// ([`BatchNormAffine`](super::BatchNormAffine)).
    pub normalise: bool,
    pub other: Option<Other>,
    pub function: Function,
}

/// The fewest positions of a thread.
const POSITIONS_PER_THREAD: usize = 8;
/// The most workgroups in x: there are no more in any direction than 65,535.
const MOST_WORKGROUPS: usize = 32_768;

/// How a kernel's threads share out `[positions, channels]`: its constants, and its workgroups.
pub(super) fn shared_out(positions: usize, channels: usize) -> (Constants, [usize; 3]) {
    let tile = Tile::of(channels);
    let each = positions.div_ceil(tile.lanes * MOST_WORKGROUPS).max(POSITIONS_PER_THREAD);
    let own = vec![("POSITIONS_PER_THREAD", each.into())];
    ([tile.constants(), own].concat(), [positions.div_ceil(tile.lanes * each), 1, tile.tiles])
}

impl Pointwise {
    /// Positions and channels; one channel where all are treated alike.
    fn shape(&self) -> (usize, usize) {
        let channels = if self.normalise { self.channels } else { 1 };
        (self.values / channels, channels)
    }
}

impl Kernel for Pointwise {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let (positions, channels) = self.shape();
        let own = vec![
            ("POSITIONS", positions.into()),
            ("NORMALISE", self.normalise.into()),
            ("BEFORE", (self.other == Some(Other::Before)).into()),
            ("AFTER", (self.other == Some(Other::After)).into()),
        ];
        [shared_out(positions, channels).0, self.function.constants(), own].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let (positions, channels) = self.shape();
        shared_out(positions, channels).1
    }

    fn operations(&self) -> usize {
        let each = 2 * usize::from(self.normalise) + usize::from(self.other.is_some()) + self.function.operations();
        self.values * each
    }

    fn words(&self) -> Vec<usize> {
        let affine = if self.normalise { 4 * self.channels } else { 1 };
        vec![self.values, affine, if self.other.is_some() { self.values } else { 1 }, self.values]
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "affine" => {
                if self.normalise {
                    2 * self.channels
                } else {
                    0
                }
            }
            "other" if self.other.is_none() => 0,
            _ => words,
        }
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [x, affine, other, output] = memory else { unreachable!("{BINDINGS}") };
        let (x, other) = (floats(x), floats(other));
        let width = width(self.shape().1);
        let mut scratch = Scratch::new(2 * width);
        let (scales, shifts) = floats_mut(&mut scratch).split_at_mut(width);
        if self.normalise {
            let [_, _, scale, shift] = rows(affine, self.channels);
            widen(scale, scales);
            widen(shift, shifts);
        }
        let affine = self.normalise.then_some([&*scales, &*shifts]);
        let added = |place: Other, values: Range<usize>| (self.other == Some(place)).then(|| &other[values]);
        let task = task(width);
        floats_mut(output)[..self.values].par_chunks_mut(task).enumerate().for_each(|(number, output)| {
            for (part, output) in output.chunks_mut(width).enumerate() {
                let first = number * task + part * width;
                let values = first..first + output.len();
                let before = added(Other::Before, values.clone());
                self.function.activate(Given { x: &x[values.clone()], affine, before }, output);
                if let Some(after) = added(Other::After, values) {
                    add(after, output);
                }
            }
        });
    }
}

/// The four rows of an affine.
pub(super) fn rows(affine: &[u32], channels: usize) -> [&[f32]; 4] {
    [0, 1, 2, 3].map(|row| &floats(affine)[row * channels..][..channels])
}

fn add(other: &[f32], values: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || values.iter_mut().zip(other).for_each(|(value, other)| *value += other),
    );
}

/// What a case is of: its values, whether they are normalised, the other value, and the function.
pub(super) fn options() -> impl Iterator<Item = (bool, Option<Other>, Function)> {
    let others = [None, Some(Other::Before), Some(Other::After)];
    let each = EXAMPLES.into_iter().enumerate();
    each.flat_map(move |(number, function)| {
        [true, false, true]
            .into_iter()
            .enumerate()
            .map(move |(at, normalise)| (normalise, others[(number + at) % 3], function))
    })
}

type Drawn = ((usize, usize), (bool, Option<Other>, Function));

fn cases() -> Vec<Case> {
    let shapes = [(1000, 16), (49, 10), (7, 33), (130, 65), (61, 3), (300, 128), (4, 1), (9, 640), (12, 301)];
    let shapes = shapes.into_iter().cycle().zip(options());
    let make = |(number, ((positions, channels), (normalise, other, function))): (usize, Drawn)| {
        let draw = &mut Draw::new(number);
        let values = positions * channels;
        let kernel = Pointwise { values, channels, normalise, other, function };
        let words = kernel.words();
        // Where an activation bends, and where it is flat.
        let wide = |word: u32| (f32::from_bits(word) * [1.0, 4.0, 64.0][number % 3]).to_bits();
        let x = draw.eighths(values).into_iter().map(wide).collect();
        let memory = vec![x, draw.eighths(words[1]), draw.eighths(words[2]), unwritten(values)];
        let label =
            format!("{positions} positions, {channels} channels, normalise {normalise}, other {other:?}, {function:?}");
        let written = function.tolerance();
        Case { tolerances: [&[Tolerance::EXACT; 3][..], &[written]].concat(), ..case(label, kernel, memory) }
    };
    shapes.enumerate().map(make).collect()
}
