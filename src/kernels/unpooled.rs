//! Products of the gradient before a max-pool: of each window's elements one has the gradient, and the others none. Only what
//! is there is multiplied, a quarter of all for windows of 2 x 2. Sums are added up in the order of
//! [`multiply`], and zeros add nothing to finite ones, so that the results are the same to the bit.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use pulp::{Arch, Simd, WithSimd};

use super::fused_pool::{NO_WINNER, Windows};
use super::matrix::{BLOCK, Matrix, Target, multiply};
use super::scratch::Scratch;
use super::{floats, floats_mut};

/// The longest vector of any processor: rows that are products' right operands are whole ones.
const LANES: usize = 16;

/// The gradient before the pool, `[positions x elements, filters]`, as that after it and which elements won. Without a pool
/// both are the same.
#[derive(Clone, Copy)]
pub(super) struct Unpooled<'a> {
    pub windows: Windows,
    /// `[positions, filters]`, of all positions.
    pub gradient: &'a [f32],
    pub argmax: &'a [u32],
}

impl Unpooled<'_> {
    /// Whether there are zeros, and rows of this width can be multiplied without them.
    pub fn is_sparse(self, width: usize) -> bool {
        let elements = self.windows.elements;
        elements > 1 && BLOCK.is_multiple_of(elements) && width.is_multiple_of(LANES)
    }

    /// The gradient of these positions, zeros and all.
    pub fn with_zeros(self, positions: Range<usize>, visit: impl FnOnce(&[f32])) {
        let Windows { elements, filters, .. } = self.windows;
        if elements == 1 {
            return visit(&self.gradient[positions.start * filters..positions.end * filters]);
        }
        let mut dense = Scratch::new(positions.len() * elements * filters);
        self.windows.unpool(self.gradient, self.argmax, positions, floats_mut(&mut dense));
        visit(floats(&dense));
    }

    /// `output [positions x elements, width]` becomes the gradient of these positions times `kernel [filters, width]`.
    pub fn times_kernel(self, positions: Range<usize>, kernel: &[f32], width: usize, output: &mut [f32]) {
        let Windows { elements, filters, .. } = self.windows;
        if !self.is_sparse(width) {
            let rows = positions.len() * elements;
            return self.with_zeros(positions, |gradient| {
                multiply(output, Target::Overwrite, Matrix::new(gradient, rows, filters), 0, kernel, width);
            });
        }
        for (group, output) in self.groups(positions).zip(output.chunks_mut(BLOCK * width)) {
            for first in (0..filters).step_by(BLOCK) {
                let block = first..filters.min(first + BLOCK);
                let mut rows = SparseRows::new(BLOCK, block.len());
                for (place, position) in group.clone().enumerate() {
                    self.winners(position, block.clone(), &mut rows, |filter, winner| {
                        (place * elements + winner, filter * width)
                    });
                }
                let target = if first == 0 { Target::Overwrite } else { Target::Accumulate };
                rows.multiply(kernel, output, width, width, target);
            }
        }
    }

    /// Adds to `sums [filters, depth]`, of some filters, the patches `[positions x elements, depth]` of these positions times
    /// their gradient. A patch has runs of so many neighbouring values.
    pub fn add_patches(
        self,
        positions: Range<usize>,
        filters: Range<usize>,
        patches: Matrix,
        run: usize,
        sums: &mut [f32],
    ) {
        let (elements, depth) = (self.windows.elements, patches.columns.count());
        for group in self.groups(positions.clone()) {
            let mut rows = SparseRows::new(filters.len(), BLOCK / elements);
            for position in group {
                let first = (position - positions.start) * elements;
                self.winners(position, filters.clone(), &mut rows, |filter, winner| {
                    (filter - filters.start, patches.rows.at(first + winner))
                });
            }
            for first in (0..depth).step_by(run) {
                let right = &patches.values[patches.columns.at(first)..];
                rows.multiply(right, &mut sums[first..], depth, run, Target::Accumulate);
            }
        }
    }

    /// Positions whose elements are as many rows as are added up before their sum joins the total.
    fn groups(self, positions: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let count = BLOCK / self.windows.elements;
        positions.clone().step_by(count).map(move |begin| begin..positions.end.min(begin + count))
    }

    /// Gives `rows` the gradients of a position's filters; `place(filter, winner)` is the row of each, and where the row
    /// begins that it multiplies.
    #[inline(always)]
    fn winners(
        self,
        position: usize,
        filters: Range<usize>,
        rows: &mut SparseRows,
        place: impl Fn(usize, usize) -> (usize, usize),
    ) {
        let elements = self.windows.elements;
        let (word, shift) = self.windows.word(position);
        let words = &self.argmax[word..][filters.clone()];
        let gradient = &self.gradient[position * self.windows.filters..][filters.clone()];
        let (counts, all) = (&mut *rows.counts, bytemuck::cast_slice_mut::<u32, Element>(&mut rows.elements));
        for ((filter, word), value) in filters.zip(words).zip(gradient) {
            let winner = (word >> shift & NO_WINNER) as usize;
            // Where none has won, what is written does not count: a branch would take longer.
            let (row, start) = place(filter, winner.min(elements - 1));
            all[row * rows.most + counts[row] as usize] = Element { value: *value, start: start as u32 };
            counts[row] += u32::from(winner < elements);
        }
    }
}

/// A number of a sparse matrix' row, and where in the values of the matrix that it is multiplied by that one's row begins.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Element {
    value: f32,
    start: u32,
}

/// A matrix as the elements of its rows, in the order in which their products are added up.
struct SparseRows {
    /// A row's, at most.
    most: usize,
    counts: Scratch,
    /// `[rows, most]`, two words each.
    elements: Scratch,
}

impl SparseRows {
    fn new(rows: usize, most: usize) -> Self {
        let mut counts = Scratch::new(rows);
        counts.fill(0);
        Self { most, counts, elements: Scratch::new(2 * rows * most) }
    }

    /// Row by row of `output`, `step` apart, the product with rows of `right` of this width.
    fn multiply(&self, right: &[f32], output: &mut [f32], step: usize, width: usize, target: Target) {
        Arch::new().dispatch(Product { rows: self, right, output, step, width, target });
    }
}

struct Product<'a> {
    rows: &'a SparseRows,
    right: &'a [f32],
    output: &'a mut [f32],
    step: usize,
    width: usize,
    target: Target,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut first = 0;
        while first < self.width {
            // The sums stay in registers, beside the number that all are multiplied by.
            let vectors = match (self.width - first) / S::F32_LANES {
                12.. => self.columns::<S, 12>(simd, first),
                6.. => self.columns::<S, 6>(simd, first),
                3.. => self.columns::<S, 3>(simd, first),
                _ => self.columns::<S, 1>(simd, first),
            };
            first += vectors * S::F32_LANES;
        }
    }
}

impl Product<'_> {
    /// So many vectors of columns, of all rows.
    #[inline(always)]
    fn columns<S: Simd, const VECTORS: usize>(&mut self, simd: S, first: usize) -> usize {
        let (width, add) = (VECTORS * S::F32_LANES, self.target == Target::Accumulate);
        let elements = bytemuck::cast_slice::<u32, Element>(&self.rows.elements).chunks(self.rows.most);
        let output = self.output.chunks_mut(self.step);
        for ((elements, count), output) in elements.zip(&*self.rows.counts).zip(output) {
            let mut sums = [simd.splat_f32s(0.0); VECTORS];
            for element in &elements[..*count as usize] {
                let right = S::as_simd_f32s(&self.right[element.start as usize + first..][..width]).0;
                let value = simd.splat_f32s(element.value);
                for vector in 0..VECTORS {
                    sums[vector] = simd.mul_add_e_f32s(value, right[vector], sums[vector]);
                }
            }
            let output = S::as_mut_simd_f32s(&mut output[first..first + width]).0;
            for (output, sum) in output.iter_mut().zip(sums) {
                *output = if add { simd.add_f32s(*output, sum) } else { sum };
            }
        }
        VECTORS
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Draw;
    use super::super::convolution_cases::winners;
    use super::super::patches::Patches;
    use super::*;
    use crate::gemm::ArgmaxWord;
    use crate::gemm::examples::pooled;
    use crate::geometry::Padding;

    #[test]
    fn what_is_there_multiplies_to_the_same_bits_as_with_zeros() {
        let convolutions = [
            pooled(3, [8, 8, 16], [3, 3], [1, 1], Padding::Same, 20),
            pooled(2, [14, 14, 32], [3, 3], [1, 1], Padding::Same, 130),
            pooled(5, [9, 11, 16], [2, 5], [2, 1], Padding::Valid, 65),
            pooled(2, [9, 9, 176], [1, 1], [1, 1], Padding::Valid, 7),
        ];
        for (number, convolution) in convolutions.iter().enumerate() {
            let (filters, depth) = (convolution.filters, convolution.depth());
            let word = ArgmaxWord { positions: 1 + number % 3, filters: 1 };
            let draw = &mut Draw::new(number);
            let argmax = winners(convolution, word, draw);
            let mut numbers = |count| floats(&draw.numbers(count, 1.0)).to_vec();
            let [gradient, kernel, input] =
                [convolution.positions() * filters, filters * depth, convolution.inputs()].map(&mut numbers);
            let windows = Windows::new(convolution, word);
            let unpooled = Unpooled { windows, gradient: &gradient, argmax: &argmax };
            assert!([depth, convolution.run()].iter().all(|&width| unpooled.is_sparse(width)), "{convolution:?}");

            // Neither the first positions nor the last one, nor whole groups of them.
            let positions = 3..convolution.positions() - 1;
            let rows = positions.len() * 4;
            let mut dense = vec![0.0; rows * filters];
            windows.unpool(&gradient, &argmax, positions.clone(), &mut dense);
            let mut expected = vec![0.0; rows * depth];
            multiply(&mut expected, Target::Overwrite, Matrix::new(&dense, rows, filters), 0, &kernel, depth);
            let mut found = vec![f32::NAN; rows * depth];
            unpooled.times_kernel(positions.clone(), &kernel, depth, &mut found);
            assert!(found == expected, "{convolution:?}");

            let patches = Patches::new(convolution, &input, 4 * positions.start..4 * positions.end);
            let mut expected = vec![0.5; depth * filters];
            multiply(&mut expected, Target::Accumulate, patches.matrix().transposed(), 0, &dense, filters);
            let own = filters / 3..filters;
            let mut found = vec![0.5; own.len() * depth];
            unpooled.add_patches(positions, own.clone(), patches.matrix(), convolution.run(), &mut found);
            let differs = |at: &usize| found[*at] != expected[at % depth * filters + own.start + at / depth];
            assert_eq!((0..found.len()).find(differs), None, "{convolution:?}");
        }
    }
}
