//! Strided matrices over slices and their product, by the `gemm` crate.

use gemm::Parallelism;
use rayon::prelude::*;

/// A matrix of f32 in a slice.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major `[rows, columns]`.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert!(values.len() >= rows * columns, "a {rows} x {columns} matrix in {} values", values.len());
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// `count` rows from `first` on.
    fn rows(self, first: usize, count: usize) -> Self {
        Self { values: &self.values[first * self.row_stride..], rows: count, ..self }
    }

    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// What happens to the values that are there before the product.
#[derive(Clone, Copy, PartialEq)]
pub enum Target {
    Overwrite,
    Accumulate,
}

/// Products that are added up in a row before their sum joins the total: sums of sums lose less to rounding than one
/// long sum, by a factor of about the square root of this, and blocks of this depth still keep `gemm` busy.
const BLOCK: usize = 64;

/// `output [left.rows, right.columns]`, row-major, becomes (or grows by) `left x right`.
pub fn multiply(output: &mut [f32], target: Target, left: Matrix, right: Matrix) {
    assert_eq!(left.columns, right.rows);
    assert!(output.len() >= left.rows * right.columns);
    for start in (0..left.columns).step_by(BLOCK) {
        // Safety: each matrix lies inside its slice (Matrix::new), the block inside the matrices, and the output is
        // borrowed alone and large enough by the assertion above.
        unsafe {
            gemm::gemm(
                left.rows,
                right.columns,
                BLOCK.min(left.columns - start),
                output.as_mut_ptr(),
                1,
                right.columns as isize,
                target == Target::Accumulate || start > 0,
                left.values.as_ptr().add(start * left.column_stride),
                left.column_stride as isize,
                left.row_stride as isize,
                right.values.as_ptr().add(start * right.row_stride),
                right.column_stride as isize,
                right.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}

/// Overwrites `output [left.rows, right.columns]` by `left x right`, on all cores. Rows are shared out in blocks of a
/// fixed size, so that the result does not depend on the number of cores.
pub fn multiply_on_all_cores(output: &mut [f32], left: Matrix, right: Matrix) {
    const ROWS: usize = 64;
    let blocks = output[..left.rows * right.columns].par_chunks_mut(ROWS * right.columns);
    blocks.enumerate().for_each(|(block, output)| {
        let rows = left.rows(block * ROWS, output.len() / right.columns);
        multiply(output, Target::Overwrite, rows, right);
    });
}
