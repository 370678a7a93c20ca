//! Nearest neighbours by brute force, on the device: every query's distance to every sample.
//!
//! The inner products are those of a dense layer whose inputs are the samples, some at a time, and whose weights are the
//! queries; `nearest` keeps the best of them. Of pixels they are exact in f32 (see [`Features::centred`]), and so is the
//! order of the neighbours.

use std::sync::Arc;

use super::learner::{Learner, Trained};
use super::shortcut::Shortcut;
use super::{Features, Products, Visit};
use crate::error::Result;
use crate::kernels::{ConvForward, Convolution, Nearest};
use crate::plan::{Bare, Program};

pub const LEARNER: Learner = Learner {
    name: "knn",
    title: "k nearest neighbours",
    settings: "k = 5",
    most_rows: usize::MAX,
    train: |task, visit| {
        let samples = Neighbourhood::of(task.features.clone(), task.products, visit)?;
        Ok(Box::new(Voters { samples, labels: task.labels.to_vec(), classes: task.classes }))
    },
};

/// Neighbours that have a vote.
const VOTES: usize = 5;

/// The samples that are asked for their class.
struct Voters {
    samples: Neighbourhood,
    labels: Vec<u8>,
    classes: usize,
}

impl Trained for Voters {
    fn predict(&self, features: &Features, products: Products, visit: Visit) -> Result<Vec<u8>> {
        let votes = VOTES.min(self.labels.len());
        let found = self.samples.nearest(features, votes, products, visit)?;
        // The class with the most votes; of those with as many, the lower one, as scikit-learn has it.
        let elected = |neighbours: &[u32]| {
            let mut counts = vec![0; self.classes];
            neighbours.iter().for_each(|&one| counts[usize::from(self.labels[one as usize])] += 1);
            (0..self.classes).rev().max_by_key(|&class| counts[class]).unwrap_or(0) as u8
        };
        Ok(found.chunks_exact(votes).map(elected).collect())
    }
}

/// Samples to find neighbours among.
pub struct Neighbourhood {
    samples: Features,
    shortcut: Option<Shortcut>,
}

impl Neighbourhood {
    /// Of at least one sample.
    ///
    /// # Errors
    /// What the device reports, or an interrupt.
    pub fn of(samples: Features, products: Products, visit: Visit) -> Result<Self> {
        let shortcut = Shortcut::of(&samples, products, visit)?;
        Ok(Self { samples, shortcut })
    }

    /// The numbers `[queries, neighbours]` of the samples nearest to each query by Euclidean distance, the nearest first;
    /// of those equally near, the lower number first.
    ///
    /// # Errors
    /// What the device reports, or an interrupt.
    ///
    /// # Panics
    /// Where there are fewer samples than neighbours, or the queries have other columns.
    pub fn nearest(
        &self,
        queries: &Features,
        neighbours: usize,
        products: Products,
        visit: Visit,
    ) -> Result<Vec<u32>> {
        match &self.shortcut {
            Some(shortcut) => shortcut.nearest(&self.samples, queries, neighbours, products, visit),
            None => by_all_columns(&self.samples, queries, neighbours, products, visit),
        }
    }
}

/// Samples at a time.
const SAMPLES: usize = 512;
/// Queries at a time, at most: their products then fit the buffers of any adapter.
const QUERIES: usize = 16_384;

/// What [`Neighbourhood::nearest`] promises, without any shortcut.
pub(super) fn by_all_columns(
    samples: &Features,
    queries: &Features,
    neighbours: usize,
    products: Products,
    visit: Visit,
) -> Result<Vec<u32>> {
    assert!(samples.rows() >= neighbours, "{neighbours} neighbours of {} samples", samples.rows());
    assert_eq!(samples.columns, queries.columns, "columns");
    let columns = samples.columns;
    let (samples, queries) = (samples.centred(), queries.centred());
    let half_squares: Vec<f32> = samples.chunks_exact(columns).map(half_square).collect();
    let mut found = Vec::new();
    let parts = queries.chunks(QUERIES * columns);
    let whole = (parts.len() * half_squares.len()) as f64;
    for (number, queries) in parts.enumerate() {
        let count = queries.len() / columns;
        let convolution = Convolution::dense(SAMPLES, columns, count);
        let product = ConvForward { convolution, relu: false, tile: products.tiles.forward(&convolution) };
        let mut plan = Bare::new("neighbours", products.tiles)?;
        let input = plan.buffer("samples", &[SAMPLES, columns]);
        let weights = plan.buffer("queries", &[columns + 1, count]);
        let output = plan.buffer("products", &[SAMPLES, count]);
        let unused = plan.buffer("unused", &[1]);
        let squares = plan.buffer("half_squares", &[SAMPLES]);
        let span = plan.buffer("span", &[2]);
        let closeness = plan.buffer("closeness", &[count, neighbours]);
        let numbers = plan.buffer("neighbours", &[count, neighbours]);
        plan.pass(Arc::new(product), &[input, weights, output, unused]);
        let kernel = Nearest { samples: SAMPLES, queries: count, neighbours };
        plan.pass(Arc::new(kernel), &[output, squares, span, closeness, numbers]);

        let mut executor = (products.executor)(plan.plan()?)?;
        // The bias, below the queries, stays zero.
        executor.write(weights, bytemuck::cast_slice(&transposed(queries, columns)));
        executor.write(closeness, &vec![Nearest::FARTHEST.to_bits(); count * neighbours]);
        let portions = samples.chunks(SAMPLES * columns).zip(half_squares.chunks(SAMPLES));
        let mut under_way = 0;
        for (place, (portion, half_squares)) in portions.enumerate() {
            executor.write(input, bytemuck::cast_slice(portion));
            executor.write(squares, bytemuck::cast_slice(half_squares));
            executor.write(span, &[(place * SAMPLES) as u32, half_squares.len() as u32]);
            executor.submit(Program::Training, 1)?;
            under_way += 1;
            if under_way == executor.depth() {
                executor.collect()?;
                under_way -= 1;
            }
            visit((number * samples.len() / columns + place * SAMPLES) as f64 / whole)?;
        }
        found.extend(executor.read(numbers)?);
    }
    Ok(found)
}

/// Half of a row's square, exact where the row's values are pixels.
fn half_square(row: &[f32]) -> f32 {
    (row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / 2.0) as f32
}

/// `[columns, rows]` of `[rows, columns]`.
fn transposed(rows: &[f32], columns: usize) -> Vec<f32> {
    let count = rows.len() / columns;
    (0..columns).flat_map(|column| (0..count).map(move |row| rows[row * columns + column])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{cpu, pixels};
    use super::*;
    use crate::data::Samples;

    /// By the definition, in integers.
    fn expected(samples: &[u8], queries: &[u8], columns: usize, neighbours: usize) -> Vec<u32> {
        let distance = |one: &[u8], other: &[u8]| -> i64 {
            one.iter().zip(other).map(|(&one, &other)| (i64::from(one) - i64::from(other)).pow(2)).sum()
        };
        let nearest = |query: &[u8]| {
            let mut numbers: Vec<u32> = (0..(samples.len() / columns) as u32).collect();
            numbers.sort_by_key(|&number| distance(query, &samples[number as usize * columns..][..columns]));
            numbers.truncate(neighbours);
            numbers
        };
        queries.chunks(columns).flat_map(nearest).collect()
    }

    #[test]
    fn the_neighbours_of_pixels_are_exact() {
        let columns = 784;
        // Bright and dark, for large products of either sign, and pairs that are equally far.
        let mut samples = pixels(700 * columns, 3);
        samples[..columns].fill(255);
        samples[columns..2 * columns].fill(0);
        samples.copy_within(5 * columns..9 * columns, 600 * columns);
        let mut queries = samples[4 * columns..7 * columns].to_vec();
        queries.extend(vec![255; columns]);
        queries.extend(pixels(30 * columns, 7));
        let of = |images: &[u8]| {
            let (count, shape) = (images.len() / columns, [28, 28, 1]);
            let samples = Samples { images: images.to_vec(), labels: vec![0; count], shape };
            Features::pixels(&samples, &(0..count as u32).collect::<Vec<_>>())
        };
        let found = by_all_columns(&of(&samples), &of(&queries), 5, cpu(), &mut |_| Ok(())).unwrap();
        assert_eq!(found, expected(&samples, &queries, columns, 5));
    }
}
