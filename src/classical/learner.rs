//! What every learner can do.

use super::{Features, Products};
use crate::callback::ProgressCallback;
use crate::error::{Error, Result};

/// What a learner learns.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub features: &'a Features,
    /// The class of each row, less than `classes`.
    pub labels: &'a [u8],
    pub classes: usize,
    /// Of what is random.
    pub seed: u64,
    pub products: Products<'a>,
}

impl Task<'_> {
    /// Whether it can be learnt: what any learner needs.
    ///
    /// # Errors
    /// [`Error::Data`] naming what is missing, or wrong.
    pub fn check(&self) -> Result<()> {
        let (rows, columns) = (self.features.rows(), self.features.columns);
        if rows == 0 || self.labels.len() != rows {
            let labels = self.labels.len();
            return Err(Error::Data(format!(
                "{rows} samples with {labels} labels: give at least one, and a label for each"
            )));
        }
        if let Some(label) = self.labels.iter().find(|label| usize::from(**label) >= self.classes) {
            let classes = self.classes;
            return Err(Error::Data(format!(
                "a sample of class {label}, though there are {classes} classes from 0: give more classes"
            )));
        }
        if self.features.all_pixels().is_some() {
            return Ok(());
        }
        match self.features.values().iter().position(|value| !value.is_finite()) {
            Some(place) => {
                let (row, column) = (place / columns, place % columns);
                Err(Error::Data(format!("column {column} of sample {row} is no finite number: leave the sample out")))
            }
            None => Ok(()),
        }
    }
}

/// A learner's way to learn and to be called.
pub struct Learner {
    /// For command lines: `forest`.
    pub name: &'static str,
    /// For people: `random forest`.
    pub title: &'static str,
    /// What it is set to, as far as scikit-learn would call it otherwise or has no default.
    pub settings: &'static str,
    pub train: fn(&Task, ProgressCallback) -> Result<Box<dyn Trained>>,
}

/// What has been learnt.
pub trait Trained {
    /// The class of each row.
    ///
    /// # Errors
    /// What the device reports, or an interrupt.
    fn predict(&self, features: &Features, products: Products, callback: ProgressCallback) -> Result<Vec<u8>>;
}

impl Learner {
    /// What it is, with its settings.
    pub fn described(&self) -> String {
        let settings = if self.settings.is_empty() { String::new() } else { format!(" ({})", self.settings) };
        format!("{}{settings}", self.title)
    }
}
