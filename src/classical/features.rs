//! What learners learn from: a row of numbers for each sample.

use std::borrow::Cow;

use crate::data::Samples;

/// Some samples' features `[rows, columns]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    pub columns: usize,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    Pixels(Vec<u8>),
    Numbers(Vec<f32>),
}

/// What is taken from pixels so that they are small: see [`Features::centred`].
pub const CENTRE: f32 = 128.0;

impl Features {
    /// The pixels of the samples with these numbers.
    ///
    /// # Panics
    /// Where there is no sample of such a number.
    pub fn pixels(samples: &Samples, numbers: &[u32]) -> Self {
        let columns = samples.shape.iter().product();
        let rows = numbers.iter().flat_map(|&number| &samples.images[number as usize * columns..][..columns]);
        Self { columns, values: Values::Pixels(rows.copied().collect()) }
    }

    /// Any numbers, row after row.
    ///
    /// # Panics
    /// Where they are no whole rows.
    pub fn numbers(columns: usize, values: Vec<f32>) -> Self {
        assert!(values.len().is_multiple_of(columns), "{} values in rows of {columns}", values.len());
        Self { columns, values: Values::Numbers(values) }
    }

    pub fn rows(&self) -> usize {
        let values = match &self.values {
            Values::Pixels(pixels) => pixels.len(),
            Values::Numbers(numbers) => numbers.len(),
        };
        values / self.columns
    }

    /// The first rows, at most so many.
    pub fn first(&self, rows: usize) -> Self {
        let kept = rows.min(self.rows()) * self.columns;
        let values = match &self.values {
            Values::Pixels(pixels) => Values::Pixels(pixels[..kept].to_vec()),
            Values::Numbers(numbers) => Values::Numbers(numbers[..kept].to_vec()),
        };
        Self { columns: self.columns, values }
    }

    /// Some rows, by number.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn rows_of(&self, numbers: &[usize]) -> Self {
        let columns = self.columns;
        let values = match &self.values {
            Values::Pixels(pixels) => {
                Values::Pixels(numbers.iter().flat_map(|&row| &pixels[row * columns..][..columns]).copied().collect())
            }
            Values::Numbers(values) => {
                Values::Numbers(numbers.iter().flat_map(|&row| &values[row * columns..][..columns]).copied().collect())
            }
        };
        Self { columns, values }
    }

    /// The pixels of a row, unless the features are other numbers.
    pub fn pixels_of(&self, row: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Pixels(pixels) => Some(&pixels[row * self.columns..][..self.columns]),
            Values::Numbers(_) => None,
        }
    }

    /// All pixels, row after row, unless the features are other numbers.
    pub fn all_pixels(&self) -> Option<&[u8]> {
        match &self.values {
            Values::Pixels(pixels) => Some(pixels),
            Values::Numbers(_) => None,
        }
    }

    /// Writes the values of a row into `output`, `[columns]`, as [`Features::values`] has them.
    ///
    /// # Panics
    /// Where there is no such row, or there are other columns.
    pub fn copy_row(&self, row: usize, output: &mut [f32]) {
        let range = row * self.columns..(row + 1) * self.columns;
        match &self.values {
            Values::Pixels(pixels) => {
                assert_eq!(output.len(), self.columns, "columns");
                output.iter_mut().zip(&pixels[range]).for_each(|(value, &pixel)| *value = f32::from(pixel) / 255.0);
            }
            Values::Numbers(numbers) => output.copy_from_slice(&numbers[range]),
        }
    }

    /// All values, row after row: pixels from 0 to 1.
    pub fn values(&self) -> Cow<'_, [f32]> {
        match &self.values {
            Values::Pixels(pixels) => pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect(),
            Values::Numbers(numbers) => Cow::Borrowed(numbers),
        }
    }

    /// The same about another origin and in other units, for what depends on neither: pixels as integers from -128 to
    /// 127. The squares of up to 1,024 of them add up to no more than 2^24, so that f32 has every sum of that many
    /// products exactly, in any order.
    pub fn centred(&self) -> Cow<'_, [f32]> {
        match &self.values {
            Values::Pixels(pixels) => pixels.iter().map(|&pixel| f32::from(pixel) - CENTRE).collect(),
            Values::Numbers(numbers) => Cow::Borrowed(numbers),
        }
    }
}
