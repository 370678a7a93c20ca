//! t-SNE (van der Maaten and Hinton, 2008) by a library, from neighbours that the device finds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bhtsne::{Neighbor, tSNE};

use super::brute_force::by_all_columns;
use super::{Features, Products};
use crate::callback::{ProgressCallback, tell};
use crate::error::{Error, Result};

/// Steps of gradient descent.
const EPOCHS: usize = 1000;
/// How far from a cell of the tree, in parts of its width, a point takes the cell's points for one (Barnes and Hut).
const THETA: f32 = 0.5;
/// What the first coordinates' standard deviation is at the start.
const START: f32 = 1e-4;

/// The largest perplexity for so many rows: thrice as many neighbours are asked for. 0 where they are too few for any.
pub fn most_perplexity(rows: usize) -> usize {
    rows.saturating_sub(1) / 3
}

/// A point `[rows, 2]` for each row, so that what is near in the features is near in the plane. It begins with the first
/// two features, which should be principal components, and so depends on nothing random.
///
/// # Errors
/// [`Error::Usage`] for a perplexity that is not between 1 and a third of the rows; what the device reports.
pub fn t_sne(
    features: &Features,
    perplexity: usize,
    products: Products,
    callback: ProgressCallback,
) -> Result<Vec<f32>> {
    let (rows, columns) = (features.rows(), features.columns);
    let neighbours = 3 * perplexity;
    match most_perplexity(rows) {
        0 => return Err(Error::Usage(format!("t-SNE of {rows} samples: too few to be neighbours; give 4 or more"))),
        most if !(1..=most).contains(&perplexity) => {
            return Err(Error::Usage(format!("`perplexity` {perplexity}: of {rows} samples; give 1 to {most}")));
        }
        _ => {}
    }
    let found = by_all_columns(features, features, neighbours + 1, products, &mut |_| callback(0.0))?;
    let values = features.values();
    let row = |number: usize| &values[number * columns..][..columns];
    let distance = |one: usize, other: usize| {
        let squares = row(one).iter().zip(row(other)).map(|(one, other)| (one - other).powi(2));
        squares.sum::<f32>().sqrt()
    };
    // A row is its own nearest neighbour, unless others are equal to it.
    let others = |(number, found): (usize, &[u32])| {
        let others = found.iter().map(|&other| other as usize).filter(|&other| other != number).take(neighbours);
        others.map(|index| Neighbor { index, distance: distance(number, index) }).collect::<Vec<_>>()
    };
    let neighbours: Vec<Vec<Neighbor<f32>>> = found.chunks(neighbours + 1).enumerate().map(others).collect();

    let first = |row: &[f32]| [row[0], row.get(1).copied().unwrap_or(0.0)];
    let mut start: Vec<f32> = values.chunks_exact(columns).flat_map(first).collect();
    let deviation = (start.iter().step_by(2).map(|x| x * x).sum::<f32>() / rows as f32).sqrt();
    start.iter_mut().for_each(|value| *value *= START / deviation.max(f32::MIN_POSITIVE));

    let points: Vec<&[f32]> = values.chunks_exact(columns).collect();
    let done = AtomicUsize::new(0);
    let embed = || {
        // On one thread, since the library adds up in the order in which threads are done.
        let _pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        let mut method = tSNE::<f32, &[f32], 2>::new(&points);
        method.perplexity(perplexity as f32).epochs(EPOCHS).initial_embedding(start);
        method.epoch_callback(|epoch, _| done.store(epoch + 1, Ordering::Relaxed));
        method.barnes_hut_with_neighbors(THETA, &neighbours).embedding()
    };
    thread::scope(|scope| {
        let embedding = thread::Builder::new().spawn_scoped(scope, embed).map_err(|error| {
            Error::Failed(format!("the system allows no thread for t-SNE ({error}); end other processes"))
        })?;
        while !embedding.is_finished() {
            thread::sleep(Duration::from_millis(20));
            tell(callback, done.load(Ordering::Relaxed) as f64 / EPOCHS as f64)?;
        }
        embedding
            .join()
            .map_err(|_| Error::Failed("t-SNE has no place for these samples; try another `perplexity`".into()))
    })
}
