//! The max-pool in a convolution's epilogue, forward and backward, a vector of filters at a time.

use std::borrow::Cow;
use std::ops::Range;

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::vectors::vectorised;
use crate::gemm::{ArgmaxWord, Convolution};

/// In `argmax`, of a position that a ReLU made zero: no element of its window has a gradient.
pub const NO_WINNER: u32 = 15;

/// The windows of some positions of a convolution, each a matrix `[elements, filters]`.
#[derive(Clone, Copy)]
pub struct Windows {
    pub(super) elements: usize,
    pub(super) filters: usize,
    word: ArgmaxWord,
}

impl Windows {
    pub fn new(convolution: &Convolution, word: ArgmaxWord) -> Self {
        Self { elements: convolution.window_elements(), filters: convolution.filters, word }
    }

    /// Words of so many positions.
    pub fn words(self, positions: usize) -> usize {
        self.word.words_of(positions, self.filters)
    }

    fn words_of_row(self) -> usize {
        self.words(1)
    }

    /// Has `write` write words of one filter each, as the other functions have them, and joins those of neighbours.
    pub fn join(self, words: &mut [u32], write: impl FnOnce(&mut [u32])) {
        if self.word.filters == 1 {
            return write(words);
        }
        let rows = words.len() / self.words_of_row();
        let mut argmax = vec![0; rows * self.filters];
        write(&mut argmax);
        for (row, argmax) in words.chunks_exact_mut(self.words_of_row()).zip(argmax.chunks_exact(self.filters)) {
            for (word, argmax) in row.iter_mut().zip(argmax.chunks(self.word.filters)) {
                *word = argmax.iter().rev().fold(0, |word, &own| word << self.bits_of_filter() | own);
            }
        }
    }

    /// The words of one filter each, as the other functions have them, that were joined.
    pub fn part(self, words: &[u32]) -> Cow<'_, [u32]> {
        if self.word.filters == 1 {
            return Cow::Borrowed(words);
        }
        let own = |row: &[u32], filter: usize| {
            row[filter / self.word.filters] >> (filter % self.word.filters * self.bits_of_filter())
        };
        let rows = words.chunks_exact(self.words_of_row());
        rows.flat_map(|row| (0..self.filters).map(move |filter| own(row, filter))).collect()
    }

    /// Of a word.
    fn bits_of_filter(self) -> usize {
        4 * self.word.positions
    }

    /// The largest element of each window goes to `output [positions, filters]`, its number to `argmax`.
    pub fn pool(self, windows: &[f32], output: &mut [f32], argmax: &mut [u32]) {
        argmax.fill(0);
        Arch::new().dispatch(Pool { shape: self, windows, output, argmax });
    }

    /// What a ReLU after it left of the positions: where that is zero, no element has won.
    pub fn rectify(self, output: &[f32], argmax: &mut [u32]) {
        vectorised(
            #[inline(always)]
            || {
                for (position, output) in output.chunks_exact(self.filters).enumerate() {
                    let (word, shift) = self.word(position);
                    let words = argmax[word..word + self.filters].iter_mut();
                    let none = |value: &f32| if *value <= 0.0 { NO_WINNER << shift } else { 0 };
                    words.zip(output).for_each(|(word, value)| *word |= none(value));
                }
            },
        );
    }

    /// Adds the gradients of the positions up that have a winner, of each filter.
    pub fn add_up(self, gradient: &[f32], argmax: &[u32], positions: Range<usize>, sums: &mut [f32]) {
        sums.fill(0.0);
        vectorised(
            #[inline(always)]
            || {
                for position in positions.clone() {
                    let (word, shift) = self.word(position);
                    let words = &argmax[word..word + self.filters];
                    let values = &gradient[position * self.filters..][..self.filters];
                    for ((sum, value), word) in sums.iter_mut().zip(values).zip(words) {
                        *sum += if word >> shift & NO_WINNER < self.elements as u32 { *value } else { 0.0 };
                    }
                }
            },
        );
    }

    /// A position's gradient goes to the largest of its window, zero to the others. `gradient` and `argmax` are those of
    /// all positions, `windows` only those of `positions`.
    pub fn unpool(self, gradient: &[f32], argmax: &[u32], positions: Range<usize>, windows: &mut [f32]) {
        Arch::new().dispatch(Unpool { shape: self, gradient, argmax, positions, windows });
    }

    /// Where the winners of a position are in `argmax`: the first word, and the bits within each word.
    pub(super) fn word(self, position: usize) -> (usize, u32) {
        (position / self.word.positions * self.filters, 4 * (position % self.word.positions) as u32)
    }
}

struct Pool<'a> {
    shape: Windows,
    windows: &'a [f32],
    output: &'a mut [f32],
    argmax: &'a mut [u32],
}

impl Pool<'_> {
    /// The filters at `filter` of `position`: as many as a vector of `S` has.
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, position: usize, filter: usize) {
        let Windows { elements, filters, .. } = self.shape;
        let (word, shift) = self.shape.word(position);
        let row = |element| load::<S>(&self.windows[(position * elements + element) * filters + filter..]);
        let (mut largest, mut winner) = (row(0), simd.splat_u32s(0));
        for element in 1..elements {
            let larger = simd.greater_than_f32s(row(element), largest);
            largest = simd.select_f32s(larger, row(element), largest);
            winner = simd.select_u32s(larger, simd.splat_u32s((element as u32) << shift), winner);
        }
        S::as_mut_simd_f32s(&mut self.output[position * filters + filter..]).0[0] = largest;
        let words = &mut S::as_mut_simd_u32s(&mut self.argmax[word + filter..]).0[0];
        *words = simd.or_u32s(*words, winner);
    }
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let filters = self.shape.filters;
        let whole = filters - filters % S::F32_LANES;
        for position in 0..self.output.len() / filters {
            for filter in (0..whole).step_by(S::F32_LANES) {
                self.step(simd, position, filter);
            }
            for filter in whole..filters {
                self.step(Scalar::new(), position, filter);
            }
        }
    }
}

struct Unpool<'a> {
    shape: Windows,
    gradient: &'a [f32],
    argmax: &'a [u32],
    positions: Range<usize>,
    windows: &'a mut [f32],
}

impl Unpool<'_> {
    /// As [`Pool::step`].
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, position: usize, filter: usize) {
        let Windows { elements, filters, .. } = self.shape;
        let (word, shift) = self.shape.word(position);
        let gradient = load::<S>(&self.gradient[position * filters + filter..]);
        let words = S::as_simd_u32s(&self.argmax[word + filter..]).0[0];
        let winner = simd.and_u32s(words, simd.splat_u32s(15 << shift));
        let first = (position - self.positions.start) * elements;
        for element in 0..elements {
            let won = simd.equal_u32s(winner, simd.splat_u32s((element as u32) << shift));
            let row = &mut self.windows[(first + element) * filters + filter..];
            S::as_mut_simd_f32s(row).0[0] = simd.select_f32s(won, gradient, simd.splat_f32s(0.0));
        }
    }
}

impl WithSimd for Unpool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let filters = self.shape.filters;
        let whole = filters - filters % S::F32_LANES;
        for position in self.positions.clone() {
            for filter in (0..whole).step_by(S::F32_LANES) {
                self.step(simd, position, filter);
            }
            for filter in whole..filters {
                self.step(Scalar::new(), position, filter);
            }
        }
    }
}

/// The first values as one vector.
#[inline(always)]
fn load<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(values).0[0]
}
