//! Nearest neighbours by brute force, on the device: every query's distance to every sample.
//!
//! The inner products are those of a dense layer whose inputs are the samples, some at a time, and whose weights are the
//! queries; `nearest` keeps the best of them. Of pixels they are exact in f32 (see [`Features::centred`]), and so is the
//! order of the neighbours.

use std::sync::Arc;

use super::learner::{Learner, Trained};
use super::prediction::highest;
use super::shortcut::Shortcut;
use super::{Features, Products, Visit};
use crate::error::Result;
use crate::gemm::{Convolution, DeviceClass, GemmKind};
use crate::kernels::{ConvForward, Nearest, transpose};
use crate::plan::{Bare, Program};

pub const LEARNER: Learner = Learner {
    name: "knn",
    title: "k nearest neighbours",
    settings: "k = 5",
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
            highest(&counts) as u8
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
    pub fn nearest(&self, queries: &Features, neighbours: usize, products: Products, visit: Visit) -> Result<Vec<u32>> {
        match &self.shortcut {
            Some(shortcut) => shortcut.nearest(&self.samples, queries, neighbours, products, visit),
            None => by_all_columns(&self.samples, queries, neighbours, products, visit),
        }
    }
}

/// Samples at a time.
const SAMPLES: usize = 1024;

/// Queries at a time, at most: each is a thread of a GPU, and their products fit the buffers of any adapter; a processor's
/// caches hold fewer.
fn most_queries(class: DeviceClass) -> usize {
    if class == DeviceClass::Gpu { 16_384 } else { 2048 }
}

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
    // Equal parts, so that one plan serves all.
    let count = queries.len() / columns;
    let part = count.div_ceil(count.div_ceil(most_queries(products.class)));
    let convolution = Convolution::dense(SAMPLES, columns, part);
    let product =
        ConvForward { convolution, relu: false, config: products.class.config(GemmKind::Forward, &convolution) };
    let mut plan = Bare::new("neighbours", products.class)?;
    let input = plan.buffer("samples", &[SAMPLES, columns]);
    let weights = plan.buffer("queries", &[columns + 1, part]);
    let output = plan.buffer("products", &[SAMPLES, part]);
    let unused = plan.buffer("unused", &[1]);
    let squares = plan.buffer("half_squares", &[SAMPLES]);
    let span = plan.buffer("span", &[2]);
    let closeness = plan.buffer("closeness", &[neighbours, part]);
    let numbers = plan.buffer("neighbours", &[neighbours, part]);
    plan.pass(Arc::new(product), &[input, weights, output, unused]);
    plan.pass(
        Arc::new(Nearest { samples: SAMPLES, queries: part, neighbours }),
        &[output, squares, span, closeness, numbers],
    );
    let mut executor = (products.executor)(plan.plan()?)?;

    let mut found: Vec<u32> = Vec::new();
    let portions = samples.chunks(SAMPLES * columns).zip(half_squares.chunks(SAMPLES));
    let steps = (portions.len() * count.div_ceil(part)) as f64;
    for (number, queries) in queries.chunks(part * columns).enumerate() {
        // The bias, below the queries, stays zero; so does what is to the right of the last ones.
        let mut transposed = vec![0.0; columns * part];
        transpose(queries, columns, &mut transposed);
        executor.write(weights, bytemuck::cast_slice(&transposed))?;
        executor.write(closeness, &vec![Nearest::FARTHEST.to_bits(); part * neighbours])?;
        for (place, (portion, half_squares)) in portions.clone().enumerate() {
            executor.write(input, bytemuck::cast_slice(portion))?;
            executor.write(squares, bytemuck::cast_slice(half_squares))?;
            executor.write(span, &[(place * SAMPLES) as u32, half_squares.len() as u32])?;
            executor.submit(Program::Training, 1)?;
            if place >= executor.depth() {
                executor.collect()?;
            }
            visit((number * portions.len() + place) as f64 / steps)?;
        }
        let numbers = executor.read(numbers)?;
        (0..executor.depth().min(portions.len())).try_for_each(|_| executor.collect().map(drop))?;
        found.extend((0..queries.len() / columns).flat_map(|query| numbers[query..].iter().step_by(part)));
    }
    Ok(found)
}

/// Half of a row's square, exact where the row's values are pixels.
fn half_square(row: &[f32]) -> f32 {
    (row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / 2.0) as f32
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{cpu, images, neighbours_by_definition, pixels};
    use super::*;

    #[test]
    fn the_neighbours_of_pixels_are_exact() {
        // Bright and dark, for large products of either sign, and images that are equally far.
        let mut samples = pixels(1100 * 784, 3);
        samples[..784].fill(255);
        samples[784..2 * 784].fill(0);
        samples.copy_within(5 * 784..9 * 784, 600 * 784);
        let queries = [samples[4 * 784..7 * 784].to_vec(), vec![255; 784], pixels(30 * 784, 7)].concat();
        let (samples, queries) = (images(samples), images(queries));
        let found = by_all_columns(&samples, &queries, 5, cpu(), &mut |_| Ok(())).unwrap();
        assert_eq!(found, neighbours_by_definition(&samples, &queries, 5));
    }

    #[test]
    fn many_queries_are_taken_in_equal_parts() {
        let line = |count: usize| Features::numbers(1, (0..count).map(|value| value as f32).collect());
        let found = by_all_columns(&line(3000), &line(5000), 1, cpu(), &mut |_| Ok(())).unwrap();
        let expected: Vec<u32> = (0..5000).map(|query| query.min(2999)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_error_of_the_visitor_ends_the_search() {
        let stop = &mut |_| Err(crate::error::Error::Interrupted("enough".into()));
        assert!(by_all_columns(&images(pixels(7840, 1)), &images(pixels(784, 2)), 1, cpu(), stop).is_err());
    }
}
