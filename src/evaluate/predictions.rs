//! A network's answers on labelled samples, and as `predictions.csv`.

use std::fmt::Write;

/// The probabilities of some samples' classes, beside what they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Each sample's place in its file, `[N]`.
    pub indices: Vec<u32>,
    /// What each sample is, `[N]`.
    pub labels: Vec<usize>,
    pub classes: usize,
    /// `[N, C]`
    probabilities: Vec<f64>,
}

impl Predictions {
    /// The softmax of logits `[N, C]`. In f64, so that different logits are different probabilities: the likeliest class
    /// is the one with the largest logit, as the device counts correct ones.
    ///
    /// # Panics
    /// Where there are not as many labels as indices, or not `classes` logits for each.
    pub fn from_logits(indices: Vec<u32>, labels: Vec<usize>, classes: usize, logits: &[f32]) -> Self {
        assert_eq!(indices.len(), labels.len(), "labels");
        assert_eq!(indices.len() * classes, logits.len(), "logits");
        let mut probabilities: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
        for row in probabilities.chunks_exact_mut(classes) {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|value| *value = (*value - largest).exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
        }
        Self { indices, labels, classes, probabilities }
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The probabilities `[C]` of a sample's classes.
    pub fn probabilities(&self, sample: usize) -> &[f64] {
        &self.probabilities[sample * self.classes..][..self.classes]
    }

    /// A sample's classes, the likeliest first; of equals, the lower number.
    pub fn ranking(&self, sample: usize) -> Vec<usize> {
        let probabilities = self.probabilities(sample);
        let mut ranking: Vec<usize> = (0..self.classes).collect();
        ranking.sort_by(|&one, &other| probabilities[other].total_cmp(&probabilities[one]));
        ranking
    }

    /// A sample's likeliest class.
    pub fn predicted(&self, sample: usize) -> usize {
        self.ranking(sample)[0]
    }

    /// The part of the samples whose class is among the `most` likeliest.
    pub fn top(&self, most: usize) -> f64 {
        let hit = |&sample: &usize| self.ranking(sample).iter().take(most).any(|class| *class == self.labels[sample]);
        (0..self.len()).filter(hit).count() as f64 / self.len().max(1) as f64
    }

    /// The text of `predictions.csv`: `index,label,predicted,p0,p1…`, the probabilities in f32.
    pub fn csv(&self) -> String {
        let heading: String = (0..self.classes).map(|class| format!(",p{class}")).collect();
        let mut text = format!("index,label,predicted{heading}\n");
        for sample in 0..self.len() {
            let (index, label, predicted) = (self.indices[sample], self.labels[sample], self.predicted(sample));
            let values: String = self.probabilities(sample).iter().map(|value| format!(",{}", *value as f32)).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{index},{label},{predicted}{values}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Softmax of (ln 1, ln 2, ln 5) is (1, 2, 5) / 8.
    fn predictions() -> Predictions {
        let row = [1.0f32, 2.0, 5.0].map(f32::ln);
        let rows = [row, [row[2], row[2], row[0]], [1000.0, -1000.0, 0.0]].concat();
        Predictions::from_logits(vec![7, 8, 9], vec![2, 1, 2], 3, &rows)
    }

    #[test]
    fn probabilities_and_ranks_are_softmax_s() {
        let predictions = predictions();
        let expected = [0.125, 0.25, 0.625];
        for (value, expected) in predictions.probabilities(0).iter().zip(expected) {
            assert!((value - expected).abs() < 1e-7, "{value} {expected}");
        }
        assert_eq!(predictions.ranking(0), [2, 1, 0]);
        assert_eq!(predictions.ranking(1), [0, 1, 2], "of equals, the lower number first");
        assert_eq!(predictions.probabilities(2), [1.0, 0.0, 0.0], "large logits do not overflow");
        assert_eq!((predictions.top(1), predictions.top(2), predictions.top(3)), (1.0 / 3.0, 2.0 / 3.0, 1.0));
    }

    #[test]
    fn the_table_has_a_row_a_sample() {
        let csv = predictions().csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], "index,label,predicted,p0,p1,p2");
        assert_eq!(lines[3], "9,2,0,1,0,0");
        assert_eq!(lines.len(), 4);
    }
}
