//! Nearest neighbours among many pixels with a third of the arithmetic, and the same answer to the bit.
//!
//! In the coordinates of an orthonormal basis, distances are what they are in pixels. Of the basis' first vectors, which
//! are the principal components, few hold most of it; and of the rest of two images, as long as r and s, the distance is
//! at least |r - s|. So a row of the first coordinates and the length of the rest gives a distance that is never above
//! the true one. The device finds some candidates by it; their true distances, in integers, are then compared with the
//! bound that all others are beyond. Where that does not prove the nearest, all columns are asked.

use rayon::prelude::*;

use super::neighbours::by_all_columns;
use super::{Components, Features, Keep, Products, Visit};
use crate::error::Result;

/// Columns of the bound, the rest's length among them: of Fashion-MNIST's variance they have 0.96.
const COLUMNS: usize = 256;
/// Candidates of a query: 19 of 20 test images of Fashion-MNIST are proven with these.
const CANDIDATES: usize = 64;
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
    pub fn of(samples: &Features, products: Products, visit: Visit) -> Result<Option<Self>> {
        if samples.pixels_of(0).is_none() || samples.rows() < SAMPLES || samples.columns < PIXELS {
            return Ok(None);
        }
        // Any orthonormal basis would do: the first samples' is as good.
        let components = Components::of(&samples.first(SAMPLES), Keep::Count(COLUMNS - 1), products, visit)?;
        let samples = coordinates(&components, samples, products, visit)?;
        Ok(Some(Self { components, samples }))
    }

    /// See [`Neighbourhood::nearest`](super::Neighbourhood::nearest); `samples` are those that the shortcut is of.
    pub fn nearest(
        &self,
        samples: &Features,
        queries: &Features,
        neighbours: usize,
        products: Products,
        visit: Visit,
    ) -> Result<Vec<u32>> {
        let bounds = coordinates(&self.components, queries, products, visit)?;
        let candidates = by_all_columns(&self.samples, &bounds, CANDIDATES.max(2 * neighbours), products, visit)?;
        let [sample_bounds, query_bounds] = [self.samples.values(), bounds.values()];
        let row = |values: &[f32], row: usize| values[row * COLUMNS..][..COLUMNS].to_vec();
        let squares = |values: &[f32]| values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        let largest = sample_bounds.par_chunks_exact(COLUMNS).map(squares).reduce(|| 0.0, f64::max);
        let proven = |(query, candidates): (usize, &[u32])| {
            let mut found: Vec<(u64, u32)> =
                candidates.iter().map(|&sample| (distance(samples, queries, sample as usize, query), sample)).collect();
            found.sort_unstable();
            let (query, farthest) =
                (row(&query_bounds, query), row(&sample_bounds, candidates[candidates.len() - 1] as usize));
            let apart: Vec<f32> = query.iter().zip(farthest).map(|(query, sample)| query - sample).collect();
            let bound = squares(&apart) - ROUNDING * (squares(&query) + largest);
            let nearest = found[neighbours - 1].0 as f64 / 255.0_f64.powi(2);
            (nearest < bound).then(|| found[..neighbours].iter().map(|&(_, sample)| sample).collect::<Vec<u32>>())
        };
        let width = candidates.len() / queries.rows();
        let mut answers: Vec<Option<Vec<u32>>> = candidates.par_chunks_exact(width).enumerate().map(proven).collect();
        let open: Vec<usize> = (0..answers.len()).filter(|&query| answers[query].is_none()).collect();
        if !open.is_empty() {
            let found = by_all_columns(samples, &queries.rows_of(&open), neighbours, products, visit)?;
            for (&query, found) in open.iter().zip(found.chunks_exact(neighbours)) {
                answers[query] = Some(found.to_vec());
            }
        }
        Ok(answers.into_iter().flatten().flatten().collect())
    }
}

/// The first coordinates of each image and the length of the rest, `[rows, COLUMNS]`.
fn coordinates(components: &Components, pixels: &Features, products: Products, visit: Visit) -> Result<Features> {
    let first = components.project(pixels, products, visit)?.values();
    let mean: Vec<f64> = components.mean.iter().map(|mean| 255.0 * mean).collect();
    let mut coordinates = vec![0.0; pixels.rows() * COLUMNS];
    let rows = coordinates.par_chunks_exact_mut(COLUMNS).zip(first.par_chunks_exact(COLUMNS - 1)).enumerate();
    rows.for_each(|(row, (all, first))| {
        let pixels = pixels.pixels_of(row).unwrap_or_default();
        let whole: f64 = pixels.iter().zip(&mean).map(|(&pixel, mean)| (f64::from(pixel) - mean).powi(2)).sum();
        let part: f64 = first.iter().map(|&value| f64::from(value).powi(2)).sum();
        let (values, rest) = all.split_at_mut(COLUMNS - 1);
        values.copy_from_slice(first);
        rest[0] = (whole / 255.0_f64.powi(2) - part).max(0.0).sqrt() as f32;
    });
    Ok(Features::numbers(COLUMNS, coordinates))
}

/// The square of the distance of two images, in pixels from 0 to 255.
fn distance(samples: &Features, queries: &Features, sample: usize, query: usize) -> u64 {
    let (sample, query) =
        (samples.pixels_of(sample).unwrap_or_default(), queries.pixels_of(query).unwrap_or_default());
    let square = |(&one, &other): (&u8, &u8)| u64::from(one.abs_diff(other)).pow(2);
    sample.iter().zip(query).map(square).sum()
}
