//! Nearest neighbours among many pixels with two fifths of the arithmetic, and the same answer to the bit.
//!
//! In the coordinates of an orthonormal basis, distances are what they are in pixels. Of the basis' first vectors, which
//! are the principal components, few hold most of it; and of the rest of two images, as long as r and s, the distance is
//! at least |r - s|. So a row of the first coordinates and the length of the rest gives a distance that is never above
//! the true one. The device finds some candidates by it; their true distances, in integers, are then compared with the
//! bound that all others are beyond. Where that does not prove the nearest, all columns are asked.

use rayon::prelude::*;

use super::brute_force::by_all_columns;
use super::components::UNIT;
use super::{Components, Features, Keep, Products};
use crate::callback::ProgressCallback;
use crate::error::Result;

/// Columns of the bound, the rest's length among them: of Fashion-MNIST's variance they have 0.98.
const COLUMNS: usize = 320;
/// Candidates of a query: nine of ten test images of Fashion-MNIST are proven with these.
const CANDIDATES: usize = 32;
/// Samples that make it worth while, and pixels.
const SAMPLES: usize = 8192;
const PIXELS: usize = 2 * COLUMNS;
/// What rounding may make of a bound, as part of the squares it is made of; it makes 1e-6.
const ROUNDING: f64 = 1e-5;

/// The samples in the coordinates that give the bound.
pub struct Shortcut {
    components: Components,
    samples: Features,
}

impl Shortcut {
    /// Of samples for which it is worth while.
    ///
    /// # Errors
    /// What the device reports, or an interrupt.
    pub fn of(samples: &Features, products: Products, callback: ProgressCallback) -> Result<Option<Self>> {
        if samples.pixels_of(0).is_none() || samples.rows() < SAMPLES || samples.columns < PIXELS {
            return Ok(None);
        }
        // Any orthonormal basis would do: the first samples' is as good.
        let components = Components::of(&samples.first(SAMPLES), Keep::Count(COLUMNS - 1), products, callback)?;
        let samples = coordinates(&components, samples, products, callback)?;
        Ok(Some(Self { components, samples }))
    }

    /// See [`Neighbourhood::nearest`](super::Neighbourhood::nearest); `samples` are those that the shortcut is of.
    pub fn nearest(
        &self,
        samples: &Features,
        queries: &Features,
        neighbours: usize,
        products: Products,
        callback: ProgressCallback,
    ) -> Result<Vec<u32>> {
        let mut answers = self.proven(samples, queries, neighbours, products, callback)?;
        let open: Vec<usize> = (0..answers.len()).filter(|&query| answers[query].is_none()).collect();
        if !open.is_empty() {
            let found = by_all_columns(samples, &queries.rows_of(&open), neighbours, products, callback)?;
            for (&query, found) in open.iter().zip(found.chunks_exact(neighbours)) {
                answers[query] = Some(found.to_vec());
            }
        }
        Ok(answers.into_iter().flatten().flatten().collect())
    }

    /// The nearest samples of each query for which they are certain.
    fn proven(
        &self,
        samples: &Features,
        queries: &Features,
        neighbours: usize,
        products: Products,
        callback: ProgressCallback,
    ) -> Result<Vec<Option<Vec<u32>>>> {
        let bounds = coordinates(&self.components, queries, products, callback)?;
        let width = CANDIDATES.max(4 * neighbours).min(samples.rows());
        let candidates = by_all_columns(&self.samples, &bounds, width, products, callback)?;
        let [sample_bounds, query_bounds] = [self.samples.values(), bounds.values()];
        let square = |values: &[f32]| values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        let largest = sample_bounds.par_chunks_exact(COLUMNS).map(square).reduce(|| 0.0, f64::max);
        let rows = candidates.par_chunks_exact(width).zip(query_bounds.par_chunks_exact(COLUMNS)).enumerate();
        let proven = |(query, (candidates, bound)): (usize, (&[u32], &[f32]))| {
            let pixels = queries.pixels_of(query).unwrap_or_default();
            let apart =
                |&sample: &u32| (distance(samples.pixels_of(sample as usize).unwrap_or_default(), pixels), sample);
            let mut found: Vec<(u64, u32)> = candidates.iter().map(apart).collect();
            found.sort_unstable();
            // No other sample is nearer than the last candidate seems to be.
            let last = &sample_bounds[candidates[width - 1] as usize * COLUMNS..][..COLUMNS];
            let apart = last.iter().zip(bound).map(|(one, other)| f64::from(one - other).powi(2)).sum::<f64>();
            let least = apart - ROUNDING * (square(bound) + largest);
            let certain = (found[neighbours - 1].0 as f64) < UNIT.powi(2) * least;
            certain.then(|| found[..neighbours].iter().map(|&(_, sample)| sample).collect())
        };
        Ok(rows.map(proven).collect())
    }
}

/// The first coordinates of each image and the length of the rest, `[rows, COLUMNS]`.
fn coordinates(
    components: &Components,
    pixels: &Features,
    products: Products,
    callback: ProgressCallback,
) -> Result<Features> {
    let projected = components.project(pixels, products, callback)?;
    let first = projected.values();
    let mean: Vec<f64> = components.mean.iter().map(|mean| UNIT * mean).collect();
    let mut coordinates = vec![0.0; pixels.rows() * COLUMNS];
    let rows = coordinates.par_chunks_exact_mut(COLUMNS).zip(first.par_chunks_exact(COLUMNS - 1)).enumerate();
    rows.for_each(|(row, (all, first))| {
        let pixels = pixels.pixels_of(row).unwrap_or_default();
        let whole: f64 = pixels.iter().zip(&mean).map(|(&pixel, mean)| (f64::from(pixel) - mean).powi(2)).sum();
        let part: f64 = first.iter().map(|&value| f64::from(value).powi(2)).sum();
        let (values, rest) = all.split_at_mut(COLUMNS - 1);
        values.copy_from_slice(first);
        rest[0] = (whole / UNIT.powi(2) - part).max(0.0).sqrt() as f32;
    });
    Ok(Features::numbers(COLUMNS, coordinates))
}

/// The square of the distance of two images, in pixels from 0 to 255.
fn distance(one: &[u8], other: &[u8]) -> u64 {
    // 32 bits hold a part's sum.
    const PART: usize = 1 << 15;
    let square = |(&one, &other): (&u8, &u8)| u32::from(one.abs_diff(other)).pow(2);
    let parts = one.chunks(PART).zip(other.chunks(PART));
    parts.map(|(one, other)| u64::from(one.iter().zip(other).map(square).sum::<u32>())).sum()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::test_support::{cpu, images, neighbours_by_definition, pixels};
    use super::*;

    /// Images that are mixed of a few, with a little noise, as photographs are.
    fn mixed(count: usize, seed: u32) -> Vec<u8> {
        const PARTS: usize = 12;
        let parts = pixels(PARTS * 784, 1);
        let weights = pixels(count * PARTS, seed);
        let noise = pixels(count * 784, seed + 1);
        let pixel = |at: usize| {
            let weights = &weights[at / 784 * PARTS..][..PARTS];
            let sum: usize =
                (0..PARTS).map(|part| usize::from(weights[part]) * usize::from(parts[part * 784 + at % 784])).sum();
            (sum / (PARTS * 255) + usize::from(noise[at] >> 5)) as u8
        };
        (0..count * 784).map(pixel).collect()
    }

    #[test]
    fn proven_neighbours_are_the_true_ones_and_others_are_not_proven() {
        // A few components say little of these.
        let noisy = |count: usize, seed| pixels(count * 784, seed).into_iter().map(|pixel| 192 + pixel / 4).collect();
        let samples = [mixed(SAMPLES - 500, 10), noisy(500, 40)].concat();
        let queries = [mixed(12, 20), samples[784 * 5..784 * 7].to_vec(), noisy(6, 30)].concat();
        let (samples, queries) = (images(samples), images(queries));
        let shortcut = Shortcut::of(&samples, cpu(), &mut |_| ControlFlow::Continue(())).unwrap().unwrap();
        let proven = shortcut.proven(&samples, &queries, 5, cpu(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(proven[..14].iter().all(Option::is_some), "{proven:?}");
        assert!(proven[14..].iter().any(Option::is_none), "{proven:?}");
        let found = shortcut.nearest(&samples, &queries, 5, cpu(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(found, neighbours_by_definition(&samples, &queries, 5));
    }

    #[test]
    fn few_samples_need_no_shortcut() {
        let few = images(mixed(20, 10));
        assert!(Shortcut::of(&few, cpu(), &mut |_| ControlFlow::Continue(())).unwrap().is_none());
    }
}
