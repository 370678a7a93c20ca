//! Which test samples a report shows.

use super::Contents;
use crate::plot::data_address;
use crate::random::{Sequence, Stream};

/// A test sample with what the network made of it.
pub struct Shown {
    /// Its place in the test file.
    pub index: u32,
    /// The image itself.
    pub address: String,
    pub actual: String,
    pub predicted: String,
    pub right: bool,
    /// The network's probability for what it predicted.
    pub confidence: String,
}

/// How many of the mistakes, and of the rest.
const MISTAKES: usize = 24;
const CORRECT: usize = 16;

/// The mistakes that the network was surest of, the surest first.
pub fn mistakes(contents: &Contents) -> Vec<Shown> {
    let mut wrong = of_kind(contents, false);
    let confidence = |sample: usize| contents.predictions.probabilities(sample)[contents.predictions.predicted(sample)];
    wrong.sort_by(|&one, &other| confidence(other).total_cmp(&confidence(one)));
    wrong.into_iter().take(MISTAKES).map(|sample| shown(contents, sample)).collect()
}

/// Samples that were taken for what they are, at random, but always the same.
pub fn correct(contents: &Contents) -> Vec<Shown> {
    let mut right = of_kind(contents, true);
    Sequence::new(0, Stream::Shuffling, 0).shuffle(&mut right);
    right.into_iter().take(CORRECT).map(|sample| shown(contents, sample)).collect()
}

fn of_kind(contents: &Contents, right: bool) -> Vec<usize> {
    let predictions = contents.predictions;
    let is_right = |sample: usize| predictions.predicted(sample) == predictions.labels[sample];
    (0..predictions.len()).filter(|&sample| is_right(sample) == right).collect()
}

fn shown(contents: &Contents, sample: usize) -> Shown {
    let Contents { predictions, names, test, .. } = contents;
    let (index, label, predicted) =
        (predictions.indices[sample], predictions.labels[sample], predictions.predicted(sample));
    let pixels: usize = test.shape.iter().product();
    Shown {
        index,
        address: data_address(&test.images[index as usize * pixels..][..pixels], test.shape),
        actual: names[label].clone(),
        predicted: names[predicted].clone(),
        right: label == predicted,
        confidence: format!("{:.1} %", 100.0 * predictions.probabilities(sample)[predicted]),
    }
}
