//! What a report is made of.

use std::path::Path;

use crate::data::Samples;
use crate::evaluate::Predictions;
use crate::train::{Environment, History, State};

/// A run, and its network's predictions on the test samples.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    /// The run's folder, as the user calls it.
    pub folder: &'a Path,
    /// The checkpoint that was tested, `best` or `last`.
    pub checkpoint: &'a str,
    /// Of that checkpoint.
    pub state: &'a State,
    pub environment: &'a Environment,
    pub history: &'a History,
    /// A name for each class.
    pub names: &'a [String],
    /// How many samples trained, and how many validated.
    pub split: [usize; 2],
    /// What the predictions were made on.
    pub tested_on: &'a str,
    /// On the test samples.
    pub loss: f64,
    pub predictions: &'a Predictions,
    /// The samples that the predictions' indices count.
    pub test: &'a Samples,
}
