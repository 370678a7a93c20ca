//! Calibration: whether a network is right as often as it is sure (Guo et al., "On Calibration of Modern Neural
//! Networks", 2017).

use serde::Serialize;

use super::Predictions;

/// Samples whose likeliest class has a probability in one tenth of 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    pub samples: u64,
    /// The mean of the likeliest classes' probabilities; 0 in an empty bin.
    pub confidence: f64,
    /// The part of the samples whose likeliest class is theirs; 0 in an empty bin.
    pub accuracy: f64,
}

/// Confidence against accuracy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// [`Calibration::BINS`] of them, by confidence: bin b holds those above b / BINS, up to (b + 1) / BINS.
    pub bins: Vec<Bin>,
    /// The mean over the samples of |accuracy - confidence| of their bins.
    pub expected_error: f64,
}

impl Calibration {
    pub const BINS: usize = 10;

    pub fn new(predictions: &Predictions) -> Self {
        let mut bins = vec![Bin::default(); Self::BINS];
        for (sample, &label) in predictions.labels.iter().enumerate() {
            let predicted = predictions.predicted(sample);
            let confidence = predictions.probabilities(sample)[predicted];
            let place = ((confidence * Self::BINS as f64).ceil() as usize).clamp(1, Self::BINS) - 1;
            let bin = &mut bins[place];
            bin.samples += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(predicted == label));
        }
        for bin in bins.iter_mut().filter(|bin| bin.samples > 0) {
            bin.confidence /= bin.samples as f64;
            bin.accuracy /= bin.samples as f64;
        }
        let gaps = bins.iter().map(|bin| bin.samples as f64 * (bin.accuracy - bin.confidence).abs());
        let expected_error = gaps.sum::<f64>() / predictions.len().max(1) as f64;
        Self { bins, expected_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three samples with 0.8, one right; one with 0.6, right: (3 |1/3 - 0.8| + |1 - 0.6|) / 4 = 0.45.
    #[test]
    fn the_expected_error_is_the_weighted_gap() {
        let logits = |probability: f32| [probability.ln(), (1.0 - probability).ln()];
        let rows = [logits(0.8), logits(0.8), logits(0.8), logits(0.6)].concat();
        let predictions = Predictions::from_logits((0..4).collect(), vec![0, 1, 1, 0], 2, &rows);
        let calibration = Calibration::new(&predictions);
        assert!((calibration.expected_error - 0.45).abs() < 1e-6, "{}", calibration.expected_error);
        let counts: Vec<u64> = calibration.bins.iter().map(|bin| bin.samples).collect();
        assert_eq!(counts.iter().sum::<u64>(), 4);
        assert_eq!(calibration.bins[0], Bin::default());
    }
}
