//! Nearest neighbours by brute force, on the device: every query's distance to every sample.
//!
//! The inner products are those of a dense layer whose inputs are the samples, some at a time, and whose weights are the
//! queries; `nearest` keeps the best of them. Of pixels they are exact in f32 (see [`Features::centred`]), and so is the
//! order of the neighbours.

use std::sync::Arc;

use super::{Features, Products};
use crate::callback::{ProgressCallback, tell};
use crate::error::Result;
use crate::gemm::{Convolution, DeviceClass, GemmKind};
use crate::kernels::{ConvForward, Nearest, transpose};
use crate::plan::{CustomPlan, Program};

/// Samples at a time.
const SAMPLES: usize = 1024;

/// Queries at a time, at most: each is a thread of a GPU, and their products fit the buffers of any adapter; a processor's
/// caches hold fewer.
fn most_queries(class: DeviceClass) -> usize {
    if class == DeviceClass::Gpu { 16_384 } else { 2048 }
}

/// What [`Neighbourhood::nearest`](super::Neighbourhood::nearest) promises, without any shortcut.
pub fn by_all_columns(
    samples: &Features,
    queries: &Features,
    neighbours: usize,
    products: Products,
    callback: ProgressCallback,
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
    let config = products.class.config(GemmKind::Forward, &convolution);
    let product = ConvForward { convolution, bias: true, relu: false, config };
    let mut plan = CustomPlan::new("neighbours");
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
            if place >= executor.in_flight() {
                executor.collect()?;
            }
            tell(callback, (number * portions.len() + place) as f64 / steps)?;
        }
        let numbers = executor.read(numbers)?;
        (0..executor.in_flight().min(portions.len())).try_for_each(|_| executor.collect().map(drop))?;
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
    use std::ops::ControlFlow;

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
        let found = by_all_columns(&samples, &queries, 5, cpu(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(found, neighbours_by_definition(&samples, &queries, 5));
    }

    #[test]
    fn many_queries_are_taken_in_equal_parts() {
        let line = |count: usize| Features::numbers(1, (0..count).map(|value| value as f32).collect());
        let found = by_all_columns(&line(3000), &line(5000), 1, cpu(), &mut |_| ControlFlow::Continue(())).unwrap();
        let expected: Vec<u32> = (0..5000).map(|query| query.min(2999)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_callback_ends_the_search() {
        let stop = &mut |_| ControlFlow::Break(());
        assert!(by_all_columns(&images(pixels(7840, 1)), &images(pixels(784, 2)), 1, cpu(), stop).is_err());
    }
}
