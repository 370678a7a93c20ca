//! Matrices over slices and their product, in the widest vectors that the processor has.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Where the rows, or the columns, of a matrix are.
#[derive(Clone, Copy)]
pub enum Offsets<'a> {
    /// So many, each so far from the one before.
    Steps(usize, usize),
    Table(&'a [u32]),
}

impl Offsets<'_> {
    pub(super) fn count(self) -> usize {
        match self {
            Offsets::Steps(count, _) => count,
            Offsets::Table(table) => table.len(),
        }
    }

    #[inline(always)]
    pub(super) fn at(self, index: usize) -> usize {
        match self {
            Offsets::Steps(_, step) => index * step,
            Offsets::Table(table) => table[index] as usize,
        }
    }

    /// Those of a range; how far the first is from where all began, and the others from that.
    fn range(self, range: Range<usize>) -> (usize, Self) {
        match self {
            Offsets::Steps(_, step) => (range.start * step, Offsets::Steps(range.len(), step)),
            Offsets::Table(table) => (0, Offsets::Table(&table[range])),
        }
    }

    /// The largest of them; none where it is beyond any address.
    fn last(self) -> Option<usize> {
        match self {
            Offsets::Steps(count, step) => count.saturating_sub(1).checked_mul(step),
            Offsets::Table(table) => Some(table.iter().max().map_or(0, |&offset| offset as usize)),
        }
    }
}

/// A matrix whose element `[row, column]` is `values[rows[row] + columns[column]]`: a matrix in row-major order, its
/// transpose, or the patches of images where they lie.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: Offsets<'a>,
    pub(super) columns: Offsets<'a>,
}

impl<'a> Matrix<'a> {
    /// Descriptor-major `[rows, columns]`.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::with_offsets(values, Offsets::Steps(rows, columns), Offsets::Steps(columns, 1))
    }

    /// # Panics
    /// Where an element is outside of the values.
    pub fn with_offsets(values: &'a [f32], rows: Offsets<'a>, columns: Offsets<'a>) -> Self {
        let empty = rows.count() == 0 || columns.count() == 0;
        let last = || rows.last()?.checked_add(columns.last()?);
        assert!(empty || last().is_some_and(|last| last < values.len()), "a matrix beyond its {} values", values.len());
        Self { values, rows, columns }
    }

    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, ..self }
    }

    /// Some of its columns.
    pub fn of_columns(self, range: Range<usize>) -> Self {
        let (first, columns) = self.columns.range(range);
        Self::with_offsets(&self.values[first..], self.rows, columns)
    }
}

/// What happens to the values that are there before the product.
#[derive(Clone, Copy, PartialEq)]
pub enum Target {
    Overwrite,
    Accumulate,
}

/// Products that are added up in a row before their sum joins the total: sums of sums lose less to rounding than one
/// long sum, by a factor of about the square root of this.
pub(super) const BLOCK: usize = 64;

/// The most columns at a time: four vectors of the longest kind.
const PANEL: usize = 64;

/// A multiple of the rows of every tile, 6 and 9: where a task has whole multiples of it, no tile goes over rows twice.
pub(super) const WHOLE_TILES: usize = 18;

/// Rows of the left matrix from which on a copy of a panel takes less time than it saves.
const WORTH_A_COPY: usize = 2 * WHOLE_TILES;

/// Rows of a task, at the least and at most: enough that the copy of a panel of the right matrix is little beside its
/// products, and so few that the task's rows stay in a core's cache.
const TASK_ROWS: [usize; 2] = [2 * WHOLE_TILES, 14 * WHOLE_TILES];

/// `output`, row-major with so many `columns`, becomes (or grows by) rows `first_row..` of `left x right`, as many as there
/// is space for. `right` is row-major, too.
///
/// # Panics
/// Where `left` has no such rows, or `right` too few.
pub fn multiply(output: &mut [f32], target: Target, left: Matrix, first_row: usize, right: &[f32], columns: usize) {
    assert!(left.columns.count().checked_mul(columns).is_some_and(|values| values <= right.len()));
    assert!(first_row.checked_add(output.len() / columns).is_some_and(|rows| rows <= left.rows.count()));
    Arch::new().dispatch(Product { output, target, left, first_row, right, columns });
}

/// Overwrites `output [left.rows, columns]` by `left x right` on all cores, a block of rows at a time;
/// `finish(first row, rows)` sees each block while it is in the cache. How many rows a block has does not matter for the
/// result: every number is added up in the same order.
pub fn multiply_on_all_cores(
    output: &mut [f32],
    left: Matrix,
    right: &[f32],
    columns: usize,
    finish: impl Fn(usize, &mut [f32]) + Sync,
) {
    let rows = left.rows.count();
    let block = rows.div_ceil(2 * rayon::current_num_threads()).clamp(TASK_ROWS[0], TASK_ROWS[1]);
    output[..rows * columns].par_chunks_mut(block * columns).enumerate().for_each(|(number, output)| {
        multiply(output, Target::Overwrite, left, number * block, right, columns);
        finish(number * block, output);
    });
}

/// The transpose of row-major `values [rows, columns]`, on all cores. Where `output [columns, width]` is wider than there are
/// rows, what is to the right of them stays.
pub fn transpose(values: &[f32], columns: usize, output: &mut [f32]) {
    // As many as a line of the cache holds.
    const COLUMNS: usize = 16;
    let rows = output.len() / columns;
    output.par_chunks_mut(COLUMNS * rows).enumerate().for_each(|(block, output)| {
        for (row, values) in values.chunks_exact(columns).take(rows).enumerate() {
            let values = &values[block * COLUMNS..];
            output[row..].iter_mut().step_by(rows).zip(values).for_each(|(output, value)| *output = *value);
        }
    });
}

struct Product<'a> {
    output: &'a mut [f32],
    target: Target,
    left: Matrix<'a>,
    first_row: usize,
    right: &'a [f32],
    columns: usize,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // The sums of a tile stay in registers, beside a row of the right matrix and one number of the left.
        let many = S::REGISTER_COUNT >= 32;
        let vectors = if many { 4 } else { 2 };
        let widest = (vectors * S::F32_LANES).min(PANEL);
        for first_column in (0..self.columns).step_by(widest) {
            let width = widest.min(self.columns - first_column);
            match width.div_ceil(S::F32_LANES) {
                4 => self.panel::<S, 6, 4>(simd, first_column, width),
                3 => self.panel::<S, 6, 3>(simd, first_column, width),
                2 if many => self.panel::<S, 9, 2>(simd, first_column, width),
                2 => self.panel::<S, 6, 2>(simd, first_column, width),
                _ => self.panel::<S, 9, 1>(simd, first_column, width),
            }
        }
    }
}

impl Product<'_> {
    /// The columns `first_column..first_column + width` of the output, `width` at most `VECTORS` vectors.
    #[inline(always)]
    fn panel<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, first_column: usize, width: usize) {
        let Self { left, right, columns, .. } = *self;
        let (depth, full) = (left.columns.count(), VECTORS * S::F32_LANES);
        let rows = self.output.len() / columns;
        // A copy of the panel's part of the right matrix, row by row, where many rows are multiplied by it, or where its last
        // vector is not a whole one, with zeros after its columns.
        let copied = rows >= WORTH_A_COPY || width < full;
        let mut panel = [[simd.splat_f32s(0.0); VECTORS]; BLOCK];
        let mut depths = [0; BLOCK];
        for begin in (0..depth).step_by(BLOCK) {
            let depths = &mut depths[..BLOCK.min(depth - begin)];
            (begin..).zip(&mut *depths).for_each(|(index, offset)| *offset = left.columns.at(index));
            let block = right[begin * columns + first_column..].chunks(columns);
            if copied {
                for (panel, row) in panel.iter_mut().zip(block.clone()).take(depths.len()) {
                    for (panel, values) in panel.iter_mut().zip(row[..width].chunks(S::F32_LANES)) {
                        *panel = simd.partial_load_f32s(values);
                    }
                }
            }
            for first in (0..rows).step_by(ROWS) {
                let last = rows - 1;
                let start = |row| left.rows.at(self.first_row + last.min(first + row));
                let left = std::array::from_fn(|row| &left.values[start(row)..]);
                let sums = match copied {
                    true => tile::<S, ROWS, VECTORS>(simd, left, depths, panel.iter().map(|row| &row[..])),
                    false => tile(simd, left, depths, block.clone().map(|row| S::as_simd_f32s(row).0)),
                };
                let add = self.target == Target::Accumulate || begin > 0;
                let output = self.output[first * columns..].chunks_mut(columns);
                for (output, sums) in output.zip(sums) {
                    let output = &mut output[first_column..first_column + width];
                    if width == full {
                        for (output, sum) in S::as_mut_simd_f32s(output).0.iter_mut().zip(sums) {
                            *output = if add { simd.add_f32s(*output, sum) } else { sum };
                        }
                    } else {
                        for (output, sum) in output.chunks_mut(S::F32_LANES).zip(sums) {
                            let sum = if add { simd.add_f32s(simd.partial_load_f32s(output), sum) } else { sum };
                            simd.partial_store_f32s(output, sum);
                        }
                    }
                }
            }
        }
    }
}

/// The products of one block of depth for `ROWS` rows of the left matrix, each from its start on, and `VECTORS` vectors of
/// columns.
#[inline(always)]
fn tile<'a, S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    left: [&[f32]; ROWS],
    depths: &[usize],
    right: impl Iterator<Item = &'a [S::f32s]>,
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for (&depth, right) in depths.iter().zip(right) {
        let right = &right[..VECTORS];
        for row in 0..ROWS {
            // Safety: Matrix::with_offsets has seen that the largest sum of two offsets is inside.
            let value = simd.splat_f32s(unsafe { *left[row].get_unchecked(depth) });
            for vector in 0..VECTORS {
                sums[row][vector] = simd.mul_add_e_f32s(value, right[vector], sums[row][vector]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the unchecked load of [`tile`] rests on: numbers that wrap are refused, too.
    #[test]
    fn no_matrix_reaches_beyond_its_values() {
        let values = [1.0; 16];
        let refused = |work: fn(&[f32])| std::panic::catch_unwind(|| work(&values)).is_err();
        assert!(refused(|values| _ = Matrix::new(values, 3, 8)));
        assert!(refused(|values| _ = Matrix::new(values, (1 << 61) + 1, 8)));
        assert!(refused(|values| _ = Matrix::new(values, 1, usize::MAX)));
        assert!(refused(|values| _ = Matrix::with_offsets(values, Offsets::Table(&[12]), Offsets::Table(&[4]))));
        let multiply = |first_row: usize| {
            let (left, mut output) = (Matrix::new(&values, 2, 8), [0.0; 8]);
            multiply(&mut output, Target::Overwrite, left, first_row, &[1.0; 64], 8);
            output
        };
        assert_eq!(multiply(1), [8.0; 8]);
        assert!([2, usize::MAX].iter().all(|&row| std::panic::catch_unwind(|| multiply(row)).is_err()));
    }
}
