//! Gaussian naive Bayes, as scikit-learn's `GaussianNB`: in each class every column is normally distributed by itself.

use super::learner::{Learner, Task, Trained};
use super::prediction::{each_row, highest};
use super::{Features, Products};
use crate::callback::{ProgressCallback, tell};
use crate::error::Result;

pub const LEARNER: Learner = Learner {
    name: "bayes",
    title: "Gaussian naive Bayes",
    settings: "",
    train: |task, callback| Ok(Box::new(Bayes::of(task, callback)?)),
};

/// What is added to every variance, as part of the largest column's.
const SMOOTHING: f64 = 1e-9;

struct Bayes {
    /// Those classes that have a sample.
    classes: Vec<u8>,
    /// `[classes]`: what a class' logarithm is where all columns have their means.
    logarithms: Vec<f64>,
    /// `[columns, classes]`
    means: Vec<f64>,
    /// `[columns, classes]`: what a square of the distance from the mean takes off.
    weights: Vec<f64>,
}

impl Bayes {
    fn of(task: &Task, callback: ProgressCallback) -> Result<Self> {
        task.check()?;
        let mut counts = vec![0.0_f64; task.classes];
        task.labels.iter().for_each(|&label| counts[usize::from(label)] += 1.0);
        let (classes, counts): (Vec<u8>, Vec<f64>) =
            (0..=u8::MAX).zip(counts).filter(|(_, count)| *count > 0.0).unzip();
        let (count, columns, samples) = (classes.len(), task.features.columns, task.labels.len() as f64);
        // Each sample's place among the classes that there are, and its values.
        let each_value = |each: &mut dyn FnMut(usize, usize, f64)| {
            let mut row = vec![0.0; columns];
            for (number, label) in task.labels.iter().enumerate() {
                let place = classes.partition_point(|class| class < label);
                task.features.copy_row(number, &mut row);
                row.iter().enumerate().for_each(|(column, &value)| each(column * count + place, place, value.into()));
            }
        };
        let mut means = vec![0.0; columns * count];
        each_value(&mut |at, place, value| means[at] += value / counts[place]);
        tell(callback, 0.5)?;
        let mut variances = vec![0.0; columns * count];
        each_value(&mut |at, place, value| variances[at] += (value - means[at]).powi(2) / counts[place]);
        tell(callback, 1.0)?;
        // Of all samples together: within the classes, and between them.
        let whole = |(means, variances): (&[f64], &[f64])| {
            let mean = means.iter().zip(&counts).map(|(mean, count)| mean * count).sum::<f64>() / samples;
            let parts = means.iter().zip(variances).zip(&counts);
            parts.map(|((own, variance), count)| count * (variance + (own - mean).powi(2))).sum::<f64>() / samples
        };
        let largest = means.chunks_exact(count).zip(variances.chunks_exact(count)).map(whole).fold(0.0, f64::max);
        // Where no column varies, any variance says the same of all classes.
        let smoothing = if largest > 0.0 { SMOOTHING * largest } else { 1.0 };
        let mut logarithms: Vec<f64> = counts.iter().map(|count| (count / samples).ln()).collect();
        for variances in variances.chunks_exact_mut(count) {
            for (variance, logarithm) in variances.iter_mut().zip(&mut logarithms) {
                *variance += smoothing;
                *logarithm -= 0.5 * (std::f64::consts::TAU * *variance).ln();
            }
        }
        let weights = variances.iter().map(|variance| 0.5 / variance).collect();
        Ok(Self { classes, logarithms, means, weights })
    }
}

impl Trained for Bayes {
    fn predict(&self, features: &Features, _: Products, callback: ProgressCallback) -> Result<Vec<u8>> {
        let (count, columns) = (self.classes.len(), features.columns);
        assert_eq!(columns * count, self.means.len(), "columns");
        each_row(features.rows(), callback, |number| {
            let mut row = vec![0.0; columns];
            features.copy_row(number, &mut row);
            let mut logarithms = self.logarithms.clone();
            let columns = self.means.chunks_exact(count).zip(self.weights.chunks_exact(count));
            for (&value, (means, weights)) in row.iter().zip(columns) {
                for ((logarithm, mean), weight) in logarithms.iter_mut().zip(means).zip(weights) {
                    *logarithm -= (f64::from(value) - mean).powi(2) * weight;
                }
            }
            self.classes[highest(&logarithms)]
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::test_support::cpu;
    use super::*;

    #[test]
    fn means_and_variances_are_those_of_the_definition() {
        let features = Features::numbers(2, vec![1.0, 5.0, 3.0, 5.0, 10.0, 7.0]);
        let task = Task { features: &features, labels: &[0, 0, 2], classes: 4, seed: 0, products: cpu() };
        let bayes = Bayes::of(&task, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(bayes.classes, [0, 2]);
        assert_eq!(bayes.means, [2.0, 10.0, 5.0, 7.0]);
        // The first column's variance is the largest: 2 / 3 within the classes, and 128 / 9 between them.
        let smoothing = 1e-9 * (2.0 / 3.0 + 128.0 / 9.0);
        for (weight, variance) in bayes.weights.iter().zip([1.0, 0.0, 0.0, 0.0]) {
            assert!((0.5 / weight - (variance + smoothing)).abs() < 1e-12, "{weight}");
        }
        let tau = std::f64::consts::TAU;
        let first = (2.0_f64 / 3.0).ln() - 0.5 * (tau * (1.0 + smoothing)).ln() - 0.5 * (tau * smoothing).ln();
        assert!((bayes.logarithms[0] - first).abs() < 1e-9);
    }
}
