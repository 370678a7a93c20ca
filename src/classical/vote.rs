//! What trees predict together.

use super::bins::Binning;
use super::learner::Trained;
use super::prediction::{each_row, highest};
use super::tree::Tree;
use super::{Features, Products, Visit};
use crate::error::Result;

/// Trees that have a vote each; it goes to the classes of a leaf by their shares.
pub struct Trees {
    pub binning: Binning,
    pub classes: usize,
    pub trees: Vec<Tree>,
}

impl Trained for Trees {
    fn predict(&self, features: &Features, _: Products, visit: Visit) -> Result<Vec<u8>> {
        let bytes = self.binning.bytes(features);
        each_row(features.rows(), visit, |row| {
            let sample = &bytes[row * features.columns..][..features.columns];
            let mut votes = vec![0.0; self.classes];
            let shares = self.trees.iter().flat_map(|tree| tree.shares(sample));
            shares.for_each(|&(class, share)| votes[usize::from(class)] += share);
            highest(&votes) as u8
        })
    }
}
