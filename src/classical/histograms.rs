//! Sums of derivatives by a column's byte.
//!
//! The derivatives are fixed-point numbers, so that a sum of them is exact: it depends on no order, and a node's sums
//! less those of one child are those of the other.

use rayon::prelude::*;

/// Columns side by side, so that a row's bytes come at once.
const BLOCK: usize = 16;
/// The least rows that more than one thread add up.
const SHARED: usize = 2000;

/// Samples as bytes, some columns at a time.
pub struct Blocks {
    columns: usize,
    rows: usize,
    /// `[columns / BLOCK, rows]`; columns that there are not are zeros.
    bytes: Vec<Vec<[u8; BLOCK]>>,
}

/// For each column the sums of the rows with each byte.
pub type Histograms = Vec<[[i64; 256]; BLOCK]>;

impl Blocks {
    /// Of bytes `[rows, columns]`.
    pub fn of(bytes: &[u8], columns: usize) -> Self {
        let block = |first: usize| {
            let count = BLOCK.min(columns - first);
            let row = |row: &[u8]| {
                let mut block = [0; BLOCK];
                block[..count].copy_from_slice(&row[first..first + count]);
                block
            };
            bytes.chunks_exact(columns).map(row).collect()
        };
        let blocks = (0..columns.div_ceil(BLOCK)).into_par_iter().map(|number| block(number * BLOCK)).collect();
        Self { columns, rows: bytes.len() / columns, bytes: blocks }
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column's byte of each row.
    pub fn column(&self, column: usize) -> impl Fn(u32) -> u8 {
        let (block, lane) = (&self.bytes[column / BLOCK], column % BLOCK);
        move |row| block[row as usize][lane]
    }

    /// Of some rows, whose derivatives are packed, `[rows]` of all; `space` is memory to use again.
    pub fn histograms(&self, rows: &[u32], derivatives: &[i64], space: Option<Histograms>) -> Histograms {
        let mut histograms = space.unwrap_or_else(|| vec![[[0; 256]; BLOCK]; self.bytes.len()]);
        let derivatives: Vec<i64> = rows.iter().map(|&row| derivatives[row as usize]).collect();
        let fill = |(histograms, block): (&mut [[i64; 256]; BLOCK], &Vec<[u8; BLOCK]>)| {
            histograms.as_flattened_mut().fill(0);
            for (&row, &derivatives) in rows.iter().zip(&derivatives) {
                for (histogram, byte) in histograms.iter_mut().zip(&block[row as usize]) {
                    histogram[usize::from(*byte)] += derivatives;
                }
            }
        };
        if rows.len() > SHARED {
            histograms.par_iter_mut().zip(&self.bytes).for_each(fill);
        } else {
            histograms.iter_mut().zip(&self.bytes).for_each(fill);
        }
        histograms
    }
}

/// How a pair of derivatives is one number, of which sums are: the first in the upper 32 bits, with a sign, the second
/// in the lower.
#[derive(Clone, Copy)]
pub struct Sums {
    scales: [f64; 2],
    /// Their reciprocals: powers of 2, and so exact.
    units: [f64; 2],
}

impl Sums {
    /// As fine as no sum of these can overflow.
    pub fn of(derivatives: impl Iterator<Item = [f64; 2]>, rows: usize) -> Self {
        let sums = derivatives.fold([0.0, 0.0], |sums, [first, second]| [sums[0] + first.abs(), sums[1] + second]);
        // Each rounds by less than one.
        let scale = |sum: f64, bits: i32| {
            let most = (2.0_f64.powi(bits) - rows as f64) / sum.max(f64::MIN_POSITIVE);
            2.0_f64.powi((most.log2().floor() as i32).min(40))
        };
        let scales = [scale(sums[0], 31), scale(sums[1], 32)];
        Self { scales, units: scales.map(f64::recip) }
    }

    pub fn packed(self, [first, second]: [f64; 2]) -> i64 {
        (((first * self.scales[0]).round() as i64) << 32) + (second * self.scales[1]).round() as i64
    }

    /// The sums that a sum of packed derivatives is.
    pub fn unpacked(self, sum: i64) -> [f64; 2] {
        let second = sum & 0xFFFF_FFFF;
        [((sum - second) >> 32) as f64 * self.units[0], second as f64 * self.units[1]]
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::classified;
    use super::*;

    #[test]
    fn histograms_are_sums_by_byte() {
        // More than a block of columns, and enough rows for all threads.
        let (columns, rows) = (19, 3000);
        let (bytes, labels) = classified(rows, columns, 10);
        let derivatives = |&label: &u8| [f64::from(label) / 9.0 - 0.5, f64::from(label) / 36.0];
        let sums = Sums::of(labels.iter().map(derivatives), rows);
        let packed: Vec<i64> = labels.iter().map(|label| sums.packed(derivatives(label))).collect();
        let some: Vec<u32> = (0..rows as u32).filter(|row| row % 7 != 0).collect();
        let blocks = Blocks::of(&bytes, columns);
        let histograms = blocks.histograms(&some, &packed, None);
        for column in [0, 15, 16, 18] {
            let mut expected = [[0.0; 2]; 256];
            for &row in &some {
                let byte = bytes[row as usize * columns + column];
                assert_eq!(blocks.column(column)(row), byte);
                let sums = expected[usize::from(byte)].iter_mut();
                sums.zip(derivatives(&labels[row as usize])).for_each(|(sum, derivative)| *sum += derivative);
            }
            for (&found, expected) in histograms.as_flattened()[column].iter().zip(expected) {
                let found = sums.unpacked(found);
                assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-3));
            }
        }
    }
}
