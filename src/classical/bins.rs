//! Features as bytes, in which trees look for their splits: pixels are their own 256 bins, other features have up to
//! 256 bins of about as many samples each, as XGBoost has them. scikit-learn's trees compare the values themselves, and
//! take many times as long.

use std::borrow::Cow;

use rayon::prelude::*;

use super::Features;

/// Bins of a feature: what a byte can tell apart.
const BINS: usize = 256;

/// How features become bytes.
#[derive(Debug, PartialEq)]
pub struct Binning {
    columns: usize,
    /// For each column what is between its bins, rising; `None` where the features are pixels.
    cuts: Option<Vec<Vec<f32>>>,
}

impl Binning {
    pub fn of(features: &Features) -> Self {
        let columns = features.columns;
        if features.all_pixels().is_some() {
            return Self { columns, cuts: None };
        }
        let values = features.values();
        let column = |column: usize| values[column..].iter().step_by(columns).copied().collect();
        Self { columns, cuts: Some((0..columns).into_par_iter().map(|number| cuts(column(number))).collect()) }
    }

    /// `[rows, columns]`, row after row, also of other samples than those that the bins were made of.
    ///
    /// # Panics
    /// Where there are other columns.
    pub fn bytes<'a>(&self, features: &'a Features) -> Cow<'a, [u8]> {
        assert_eq!(features.columns, self.columns, "columns");
        if let (None, Some(pixels)) = (&self.cuts, features.all_pixels()) {
            return Cow::Borrowed(pixels);
        }
        let mut bytes = vec![0; features.rows() * self.columns];
        let row = |values: &mut Vec<f32>, (row, bytes): (usize, &mut [u8])| {
            values.resize(self.columns, 0.0);
            features.copy_row(row, values);
            for (column, (byte, value)) in bytes.iter_mut().zip(&*values).enumerate() {
                *byte = match &self.cuts {
                    Some(cuts) => cuts[column].partition_point(|cut| cut < value) as u8,
                    None => (value * 255.0).round() as u8,
                };
            }
        };
        bytes.par_chunks_exact_mut(self.columns).enumerate().for_each_init(Vec::new, row);
        Cow::Owned(bytes)
    }
}

/// Where to cut a column's values, so that there are about as many in each bin.
fn cuts(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_unstable_by(f32::total_cmp);
    let (mut cuts, mut end) = (Vec::new(), 0);
    for quantile in 1..BINS {
        let place = quantile * values.len() / BINS;
        if place <= end {
            continue;
        }
        // A quantile within equal values moves up to their end.
        end = place + values[place..].iter().take_while(|value| **value == values[place - 1]).count();
        if let Some(&above) = values.get(end) {
            let below = values[end - 1];
            // What is halfway between neighbouring numbers is one of them.
            let between = f32::midpoint(below, above);
            cuts.push(if between < above { between } else { below });
        }
    }
    cuts
}

/// Samples as bytes, column after column.
pub struct Columns {
    /// `[columns, rows]`
    bytes: Vec<u8>,
    rows: usize,
}

impl Columns {
    /// Of bytes `[rows, columns]`, of at least one row.
    pub fn of(bytes: &[u8], columns: usize) -> Self {
        /// Columns at a time: as many as a line of the cache holds.
        const COLUMNS: usize = 64;
        let rows = bytes.len() / columns;
        let mut transposed = vec![0; bytes.len()];
        transposed.par_chunks_mut(COLUMNS * rows).enumerate().for_each(|(block, output)| {
            for (row, bytes) in bytes.chunks_exact(columns).enumerate() {
                let output = output[row..].iter_mut().step_by(rows);
                output.zip(&bytes[block * COLUMNS..]).for_each(|(output, &byte)| *output = byte);
            }
        });
        Self { bytes: transposed, rows }
    }

    pub fn count(&self) -> usize {
        self.bytes.len() / self.rows
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn column(&self, column: usize) -> &[u8] {
        &self.bytes[column * self.rows..][..self.rows]
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::pixels;
    use super::*;

    #[test]
    fn few_values_have_a_bin_each_and_many_share_them_evenly() {
        // Three values, one value, and 3,000 different ones.
        let row = |row: usize| [[-1.0, 0.5, 7.0][row % 3], 2.5, row as f32];
        let features = Features::numbers(3, (0..3000).flat_map(row).collect());
        let binning = Binning::of(&features);
        let bytes = binning.bytes(&features);
        let columns = Columns::of(&bytes, 3);
        assert!(columns.column(0).iter().enumerate().all(|(row, &byte)| usize::from(byte) == row % 3));
        assert_eq!(columns.column(1), [0; 3000]);
        let mut counts = [0; BINS];
        columns.column(2).iter().for_each(|&byte| counts[usize::from(byte)] += 1);
        assert!(counts.iter().all(|count| (11..=12).contains(count)), "{counts:?}");
        let beyond = Features::numbers(3, vec![-9.0, 9.0, 1e9]);
        assert_eq!(binning.bytes(&beyond)[..], [0, 0, 255]);
    }

    #[test]
    fn columns_are_the_rows_transposed() {
        let bytes = pixels(5 * 150, 1);
        let columns = Columns::of(&bytes, 150);
        assert_eq!((columns.count(), columns.rows()), (150, 5));
        let column = |column: usize| bytes[column..].iter().step_by(150).copied().collect::<Vec<u8>>();
        assert!((0..150).all(|number| columns.column(number) == column(number)));
    }
}
