//! The samples nearest to others, and the learner that lets them vote.

use super::brute_force::by_all_columns;
use super::learner::{Learner, Trained};
use super::prediction::highest;
use super::shortcut::Shortcut;
use super::{Features, Products};
use crate::callback::ProgressCallback;
use crate::error::Result;

pub const LEARNER: Learner = Learner {
    name: "knn",
    title: "k nearest neighbours",
    settings: "k = 5",
    train: |task, callback| {
        let samples = Neighbourhood::of(task.features.clone(), task.products, callback)?;
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
    fn predict(&self, features: &Features, products: Products, callback: ProgressCallback) -> Result<Vec<u8>> {
        let votes = VOTES.min(self.labels.len());
        let found = self.samples.nearest(features, votes, products, callback)?;
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
    pub fn of(samples: Features, products: Products, callback: ProgressCallback) -> Result<Self> {
        let shortcut = Shortcut::of(&samples, products, callback)?;
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
        callback: ProgressCallback,
    ) -> Result<Vec<u32>> {
        match &self.shortcut {
            Some(shortcut) => shortcut.nearest(&self.samples, queries, neighbours, products, callback),
            None => by_all_columns(&self.samples, queries, neighbours, products, callback),
        }
    }
}
