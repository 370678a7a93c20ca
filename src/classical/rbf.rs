//! Radial basis functions: exp(-gamma |x - y|^2) of two rows, from their inner product.

use rayon::prelude::*;

use crate::callback::{ProgressCallback, tell};
use crate::error::Result;
use crate::kernels::{Matrix, multiply_on_all_cores, transpose, vectorised};

/// Rows of products between two calls of the callback.
const ROWS: usize = 4096;

/// The exponential of what is not positive, to about 2e-7 of it. Cephes' `expf`: the standard library's does not become
/// vectors.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    // Below is next to nothing.
    let x = x.max(-87.0);
    let power = (x * std::f32::consts::LOG2_E).round_ties_even();
    // The logarithm of 2 in two parts: the first has few digits, so that its product is exact.
    let rest = x - power * 0.693_359_4 + power * 2.121_944_4e-4;
    let factors = [1.987_569_2e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    let sum = factors.into_iter().fold(0.0, |sum, factor| sum * rest + factor);
    (sum * rest * rest + rest + 1.0) * f32::from_bits(((power as i32 + 127) as u32) << 23)
}

/// Turns the inner products of a row with some others into values, given the squares of their lengths.
pub fn values(products: &mut [f32], square: f32, squares: &[f32], gamma: f32) {
    vectorised(
        #[inline(always)]
        || {
            for (value, &other) in products.iter_mut().zip(squares) {
                *value = exponential(-gamma * (square + other - 2.0 * *value).max(0.0));
            }
        },
    );
}

/// The squares of the rows' lengths.
pub fn squares(rows: &[f32], columns: usize) -> Vec<f32> {
    rows.par_chunks_exact(columns).map(|row| row.iter().map(|value| value * value).sum()).collect()
}

/// All values among some rows `[rows, rows]`; those of a row are made when they are asked for.
pub struct Kernel {
    /// Of a row that has not been asked for, the inner products.
    values: Vec<f32>,
    made: Vec<bool>,
    squares: Vec<f32>,
    gamma: f32,
}

impl Kernel {
    /// Of rows `[rows, columns]`; `space` is memory to use again.
    ///
    /// # Errors
    /// An interrupt, where the callback asks for one.
    pub fn of(rows: &[f32], columns: usize, gamma: f32, space: Vec<f32>, callback: ProgressCallback) -> Result<Self> {
        let count = rows.len() / columns;
        let mut transposed = vec![0.0; rows.len()];
        transpose(rows, columns, &mut transposed);
        let mut values = space;
        values.resize(count * count, 0.0);
        for (number, values) in values.chunks_mut(ROWS * count).enumerate() {
            let left = Matrix::new(&rows[number * ROWS * columns..], values.len() / count, columns);
            multiply_on_all_cores(values, left, &transposed, count, |_, _| {});
            tell(callback, ((number + 1) * ROWS).min(count) as f64 / count as f64)?;
        }
        Ok(Self { values, made: vec![false; count], squares: squares(rows, columns), gamma })
    }

    pub fn row(&mut self, row: usize) -> &[f32] {
        let count = self.squares.len();
        let output = &mut self.values[row * count..][..count];
        if !self.made[row] {
            values(output, self.squares[row], &self.squares, self.gamma);
            self.made[row] = true;
        }
        output
    }

    /// The memory, for another.
    pub fn into_space(self) -> Vec<f32> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn exponentials_are_those_of_the_standard_library() {
        for x in (0..8700).map(|step| -(step as f32) / 100.0) {
            let exact = f64::from(x).exp();
            assert!((f64::from(exponential(x)) - exact).abs() <= 3e-7 * exact, "{x}");
        }
        assert!(exponential(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn values_are_those_of_the_distances() {
        let rows: Vec<f32> = (0..5 * 3).map(|place| (place * place % 7) as f32 / 7.0).collect();
        let mut kernel = Kernel::of(&rows, 3, 0.7, Vec::new(), &mut |_| ControlFlow::Continue(())).unwrap();
        for one in 0..5 {
            for (other, value) in kernel.row(one).to_vec().into_iter().enumerate() {
                let distance: f32 =
                    (0..3).map(|column| (rows[3 * one + column] - rows[3 * other + column]).powi(2)).sum();
                assert!((value - (-0.7 * distance).exp()).abs() < 1e-6);
            }
        }
    }
}
