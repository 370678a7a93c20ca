//! Measures a trained network, on any data set whose images fit it.

use std::path::Path;

use super::{Engine, weights};
use crate::augment::Views;
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::Tensor;

/// A network to measure with: no split is part of it, so that the data may be too few to train on.
pub struct Evaluator<'a> {
    engine: Engine<'a>,
    views: Views,
}

impl<'a> Evaluator<'a> {
    /// The network with the weights that were read from `path`; the engine must be its model's.
    ///
    /// # Errors
    /// [`Error::Data`] where the weights or the samples are not the model's.
    pub fn new((tensors, path): (&[Tensor], &Path), mut engine: Engine<'a>) -> Result<Self> {
        weights::put(&mut engine, tensors, path, false)?;
        Ok(Self { engine, views: Views::default() })
    }

    /// The same with test-time augmentation, for which the engine's plan must have
    /// [`views`](crate::network::Options::views).
    pub fn with(self, views: Views) -> Self {
        Self { views, ..self }
    }

    /// Loss and predictions on samples by number; the training file's come first, then the test file's.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the loss is not finite, or what the device reports.
    pub fn predict(&mut self, samples: &[u32]) -> Result<(f64, Predictions)> {
        if self.views.is_one() {
            return predicted(&mut self.engine, samples);
        }
        let logits = self.mean_logits(samples)?;
        let loss = self.loss(samples, &logits);
        judged(&self.engine, samples, loss, &logits)
    }

    /// The logits `[N, C]` of samples by number, as [`Self::predict`] numbers them; of several views their mean.
    ///
    /// # Errors
    /// See [`Self::predict`].
    pub fn logits(&mut self, samples: &[u32]) -> Result<Vec<f32>> {
        if self.views.is_one() { Ok(self.engine.predict(samples)?.1) } else { self.mean_logits(samples) }
    }

    /// The mean of the logits `[N, C]` of all views.
    fn mean_logits(&mut self, samples: &[u32]) -> Result<Vec<f32>> {
        let mut means = vec![0.0; samples.len() * self.engine.plan().classes()];
        for (view, part) in self.views.transforms() {
            let (_, logits) = self.engine.predict_as(view, samples)?;
            means.iter_mut().zip(logits).for_each(|(mean, logit)| *mean += part * f64::from(logit));
        }
        Ok(means.into_iter().map(|mean| mean as f32).collect())
    }

    /// The mean cross-entropy of logits `[N, C]`, with label smoothing as the plan has it.
    fn loss(&self, samples: &[u32], logits: &[f32]) -> f64 {
        let smoothing = f64::from(self.engine.plan().label_smoothing);
        let classes = self.engine.plan().classes();
        let of_sample = |(&sample, logits): (&u32, &[f32])| {
            let label = usize::from(self.engine.source().label(sample));
            let logits = || logits.iter().map(|&logit| f64::from(logit));
            let largest = logits().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits().map(|logit| (logit - largest).exp()).sum();
            let part = |class| smoothing / classes as f64 + if class == label { 1.0 - smoothing } else { 0.0 };
            sum.ln() - logits().enumerate().map(|(class, logit)| part(class) * (logit - largest)).sum::<f64>()
        };
        let losses = samples.iter().zip(logits.chunks_exact(classes)).map(of_sample);
        losses.sum::<f64>() / samples.len().max(1) as f64
    }
}

/// Loss and predictions on samples, unless the loss is no number to report.
///
/// # Errors
/// [`Error::Diverged`], or what the device reports.
pub(super) fn predicted(engine: &mut Engine, samples: &[u32]) -> Result<(f64, Predictions)> {
    let (metrics, logits) = engine.predict(samples)?;
    judged(engine, samples, metrics.loss(), &logits)
}

fn judged(engine: &Engine, samples: &[u32], loss: f64, logits: &[f32]) -> Result<(f64, Predictions)> {
    if !loss.is_finite() {
        return Err(Error::Diverged(format!("the loss is {loss}; train again with a smaller `learning_rate`")));
    }
    let source = engine.source();
    let first = source.parts[0].len() as u32;
    let indices = samples.iter().map(|&number| if number < first { number } else { number - first }).collect();
    let labels = samples.iter().map(|&number| usize::from(source.label(number))).collect();
    let classes = engine.plan().classes();
    Ok((loss, Predictions::from_logits(indices, labels, classes, logits)))
}
