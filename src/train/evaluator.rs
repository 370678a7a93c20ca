//! Measures a trained network, on any data set whose images fit it.

use std::path::Path;

use super::{Engine, weights};
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::Tensor;

/// A network to measure with: no split is part of it, so that the data may be too few to train on.
pub struct Evaluator<'a> {
    engine: Engine<'a>,
}

impl<'a> Evaluator<'a> {
    /// The network with the weights that were read from `path`; the engine must be its model's.
    ///
    /// # Errors
    /// [`Error::Data`] where the weights or the samples are not the model's.
    pub fn new((tensors, path): (&[Tensor], &Path), mut engine: Engine<'a>) -> Result<Self> {
        weights::put(&mut engine, tensors, path, false)?;
        Ok(Self { engine })
    }

    /// Loss and predictions on samples by number; the training file's come first, then the test file's.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the loss is not finite, or what the device reports.
    pub fn predict(&mut self, samples: &[u32]) -> Result<(f64, Predictions)> {
        predicted(&mut self.engine, samples)
    }
}

/// Loss and predictions on samples, unless the loss is no number to report.
///
/// # Errors
/// [`Error::Diverged`], or what the device reports.
pub(super) fn predicted(engine: &mut Engine, samples: &[u32]) -> Result<(f64, Predictions)> {
    let (metrics, logits) = engine.predict(samples)?;
    let loss = metrics.loss();
    if !loss.is_finite() {
        return Err(Error::Diverged(format!("the loss is {loss}; train again with a smaller `learning_rate`")));
    }
    let source = engine.source();
    let first = source.parts[0].len() as u32;
    let indices = samples.iter().map(|&number| if number < first { number } else { number - first }).collect();
    let labels = samples.iter().map(|&number| usize::from(source.sample(number).1[0])).collect();
    let classes = engine.plan().model.classes();
    Ok((loss, Predictions::from_logits(indices, labels, classes, &logits)))
}
