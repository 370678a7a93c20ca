//! The confusion matrix: which class was taken for which.

use super::Predictions;

/// Counts of samples, by what they are and what they were taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    pub classes: usize,
    /// `[C, C]`: a row for each class, a column for each prediction.
    counts: Vec<u64>,
}

/// A class that was taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Pair {
    pub actual: usize,
    pub predicted: usize,
    pub count: u64,
}

impl Confusion {
    pub fn new(predictions: &Predictions) -> Self {
        let pairs =
            predictions.labels.iter().enumerate().map(|(sample, &label)| (label, predictions.predicted(sample)));
        Self::of(predictions.classes, pairs)
    }

    /// Of pairs of what a sample is and what it was taken for, each less than `classes`.
    pub fn of(classes: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![0; classes * classes];
        pairs.for_each(|(actual, predicted)| counts[actual * classes + predicted] += 1);
        Self { classes, counts }
    }

    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[actual * self.classes + predicted]
    }

    /// The counts of a class, `[C]`, by prediction.
    pub fn row(&self, actual: usize) -> &[u64] {
        &self.counts[actual * self.classes..][..self.classes]
    }

    /// How many samples are of a class: its support.
    pub fn actual(&self, class: usize) -> u64 {
        self.row(class).iter().sum()
    }

    /// How many samples were taken for a class.
    pub fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|actual| self.count(actual, class)).sum()
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many samples were taken for what they are.
    pub fn correct(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    /// The mistakes, the most frequent first.
    pub fn mistakes(&self) -> Vec<Pair> {
        let pairs = (0..self.classes).flat_map(|actual| (0..self.classes).map(move |predicted| (actual, predicted)));
        let mut pairs: Vec<Pair> = pairs
            .map(|(actual, predicted)| Pair { actual, predicted, count: self.count(actual, predicted) })
            .filter(|pair| pair.actual != pair.predicted && pair.count > 0)
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count));
        pairs
    }

    /// The text of `confusion_matrix.csv`: a row for each class, a column for each prediction, with the names given.
    pub fn csv(&self, names: &[String]) -> String {
        let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        let heading: String = names.iter().map(|name| format!(",{}", quoted(name))).collect();
        let line = |(class, name): (usize, &String)| {
            let counts: String = self.row(class).iter().map(|count| format!(",{count}")).collect();
            format!("{}{counts}\n", quoted(name))
        };
        format!("actual{heading}\n{}", names.iter().enumerate().map(line).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_classes_and_columns_predictions() {
        let logits = [[9.0, 0.0], [0.0, 9.0], [0.0, 9.0], [0.0, 9.0]].concat();
        let predictions = Predictions::from_logits((0..4).collect(), vec![0, 0, 0, 1], 2, &logits);
        let confusion = Confusion::new(&predictions);
        assert_eq!((confusion.row(0), confusion.row(1)), (&[1, 2][..], &[0, 1][..]));
        assert_eq!((confusion.actual(0), confusion.predicted(0)), (3, 1));
        assert_eq!((confusion.correct(), confusion.total()), (2, 4));
        assert_eq!(confusion.mistakes(), [Pair { actual: 0, predicted: 1, count: 2 }]);
        let names = ["Bag".to_owned(), "T-shirt, \"top\"".to_owned()];
        let expected = "actual,\"Bag\",\"T-shirt, \"\"top\"\"\"\n\"Bag\",1,2\n\"T-shirt, \"\"top\"\"\",0,1\n";
        assert_eq!(confusion.csv(&names), expected);
    }
}
