//! Multinomial logistic regression with a penalty on the squares of the weights, as scikit-learn's
//! `LogisticRegression`.

use rayon::prelude::*;

use super::lbfgs::{Limits, minimise};
use super::learner::{Learner, Task, Trained};
use super::prediction::highest;
use super::{Features, Products};
use crate::callback::ProgressCallback;
use crate::error::Result;
use crate::kernels::{Matrix, Target, multiply, multiply_on_all_cores};

pub const LEARNER: Learner = Learner {
    name: "logistic",
    title: "logistic regression",
    settings: "C = 1",
    train: |task, callback| {
        task.check()?;
        let problem = Problem::of(task, 1.0);
        let start = vec![0.0; problem.columns * problem.classes];
        let limits = Limits { iterations: 100, tolerance: 1e-4 };
        let weights = minimise(start, |weights| problem.at(weights), limits, callback)?;
        let weights = weights.into_iter().map(|weight| weight as f32).collect();
        Ok(Box::new(Logistic { weights, classes: problem.classes }))
    },
};

/// Rows whose scores are made at a time.
const ROWS: usize = 256;
/// Times as many are added up before others join: few sums, and always the same, whatever the threads.
const TOGETHER: usize = 8;

struct Logistic {
    /// `[columns + 1, classes]`, the intercepts in the last row.
    weights: Vec<f32>,
    classes: usize,
}

/// What is to be minimised.
struct Problem<'a> {
    /// `[rows, columns]`, of which the last column is ones, for the intercepts.
    inputs: Vec<f32>,
    labels: &'a [u8],
    columns: usize,
    classes: usize,
    /// The weight of half of the sum of squares.
    penalty: f64,
}

impl<'a> Problem<'a> {
    /// scikit-learn multiplies the sum of losses by C; here is the mean of losses, which has the same minimum.
    fn of(task: &Task<'a>, cost: f64) -> Self {
        let penalty = 1.0 / (cost * task.labels.len() as f64);
        let columns = task.features.columns + 1;
        Self { inputs: with_ones(task.features), labels: task.labels, columns, classes: task.classes, penalty }
    }

    /// The mean loss with the penalty at some weights `[columns, classes]`, and its gradient.
    fn at(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let rounded: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
        let inputs = self.inputs.par_chunks(TOGETHER * ROWS * self.columns);
        let parts = inputs.zip(self.labels.par_chunks(TOGETHER * ROWS));
        let parts: Vec<(f64, Vec<f64>)> = parts.map(|(inputs, labels)| self.part(&rounded, inputs, labels)).collect();
        let (mut loss, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for (part, sums) in &parts {
            loss += part;
            gradient.iter_mut().zip(sums).for_each(|(gradient, sum)| *gradient += sum);
        }
        let rows = self.labels.len() as f64;
        gradient.iter_mut().for_each(|gradient| *gradient /= rows);
        // The intercepts cost nothing.
        let penalised = &weights[..weights.len() - self.classes];
        gradient.iter_mut().zip(penalised).for_each(|(gradient, weight)| *gradient += self.penalty * weight);
        let squares: f64 = penalised.iter().map(|weight| weight * weight).sum();
        (loss / rows + 0.5 * self.penalty * squares, gradient)
    }

    /// The sums of some rows' losses and gradients.
    fn part(&self, weights: &[f32], inputs: &[f32], labels: &[u8]) -> (f64, Vec<f64>) {
        let (mut loss, mut sums) = (0.0, vec![0.0; weights.len()]);
        let (mut scores, mut products) = (vec![0.0; ROWS * self.classes], vec![0.0; weights.len()]);
        for (inputs, labels) in inputs.chunks(ROWS * self.columns).zip(labels.chunks(ROWS)) {
            let scores = &mut scores[..labels.len() * self.classes];
            let inputs = Matrix::new(inputs, labels.len(), self.columns);
            multiply(scores, Target::Overwrite, inputs, 0, weights, self.classes);
            for (scores, &label) in scores.chunks_exact_mut(self.classes).zip(labels) {
                loss += f64::from(loss_gradient(scores, usize::from(label)));
            }
            multiply(&mut products, Target::Overwrite, inputs.transposed(), 0, scores, self.classes);
            sums.iter_mut().zip(&products).for_each(|(sum, &product)| *sum += f64::from(product));
        }
        (loss, sums)
    }
}

/// The cross-entropy of a row's scores, which become its gradient.
fn loss_gradient(scores: &mut [f32], label: usize) -> f32 {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let right = scores[label] - highest;
    scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
    scores[label] -= 1.0;
    sum.ln() - right
}

/// `[rows, columns + 1]`, the last column of ones.
fn with_ones(features: &Features) -> Vec<f32> {
    let columns = features.columns;
    let mut inputs = vec![1.0; features.rows() * (columns + 1)];
    let rows = inputs.par_chunks_exact_mut(columns + 1).enumerate();
    rows.for_each(|(row, input)| features.copy_row(row, &mut input[..columns]));
    inputs
}

impl Trained for Logistic {
    fn predict(&self, features: &Features, _: Products, _: ProgressCallback) -> Result<Vec<u8>> {
        let (rows, columns) = (features.rows(), features.columns + 1);
        assert_eq!(columns * self.classes, self.weights.len(), "columns");
        let mut scores = vec![0.0; rows * self.classes];
        let inputs = with_ones(features);
        multiply_on_all_cores(&mut scores, Matrix::new(&inputs, rows, columns), &self.weights, self.classes, |_, _| {});
        Ok(scores.chunks_exact(self.classes).map(|scores| highest(scores) as u8).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::cpu;
    use super::*;
    use crate::random::{Sequence, Stream};

    #[test]
    fn the_gradient_is_what_small_steps_say() {
        let (rows, columns, classes) = (2500, 6, 10);
        let mut random = Sequence::new(1, Stream::Cases, 0);
        let features = Features::numbers(columns, (0..rows * columns).map(|_| random.symmetric(1.0)).collect());
        let labels: Vec<u8> = (0..rows).map(|row| (row % classes) as u8).collect();
        let task = Task { features: &features, labels: &labels, classes, seed: 0, products: cpu() };
        let problem = Problem::of(&task, 0.01);
        let weights: Vec<f64> = (0..(columns + 1) * classes).map(|_| f64::from(random.symmetric(1.0))).collect();
        let gradient = problem.at(&weights).1;
        for place in [0, 13, 59, 60, 69] {
            let at = |step: f64| {
                let mut weights = weights.clone();
                weights[place] += step;
                problem.at(&weights).0
            };
            let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((slope - gradient[place]).abs() < 1e-3 * (1.0 + slope.abs()), "{slope}, not {}", gradient[place]);
        }
    }
}
