//! Gradient-boosted trees with XGBoost's defaults (Chen and Guestrin, 2016): softmax, a tree for each class in a round,
//! Newton's steps from histograms.

use std::sync::Mutex;

use rayon::prelude::*;

use super::bins::Binning;
use super::histograms::{Blocks, Histograms, Sums};
use super::learner::{Learner, Trained};
use super::newton::Grower;
use super::node::{Node, leaf};
use super::prediction::{each_row, highest};
use super::{Features, Products};
use crate::callback::{ProgressCallback, tell};
use crate::error::Result;

pub const LEARNER: Learner = Learner {
    name: "boosting",
    title: "gradient boosting",
    settings: "100 rounds, depth 6",
    train: |task, callback| {
        task.check()?;
        let binning = Binning::of(task.features);
        let blocks = Blocks::of(&binning.bytes(task.features), task.features.columns);
        let trees = boost(&blocks, task.labels, task.classes, [100, 6], callback)?;
        Ok(Box::new(Boosted { binning, classes: task.classes, trees }))
    },
};

type Tree = Vec<Node<f32>>;

/// Trees `[rounds, classes]`, each of which adds to its class' score.
struct Boosted {
    binning: Binning,
    classes: usize,
    trees: Vec<Tree>,
}

/// So many rounds of trees of a depth.
fn boost(
    blocks: &Blocks,
    labels: &[u8],
    classes: usize,
    [rounds, depth]: [usize; 2],
    callback: ProgressCallback,
) -> Result<Vec<Tree>> {
    let rows = labels.len();
    let mut scores = vec![vec![0.0_f32; rows]; classes];
    let mut gradients = vec![vec![0; rows]; classes];
    let unused: Mutex<Vec<Histograms>> = Mutex::default();
    let mut trees = Vec::new();
    for round in 0..rounds {
        // Of each row the highest score, and the sum of the exponentials below it: softmax without an overflow.
        let norm = |row: usize| {
            let highest = scores.iter().map(|scores| scores[row]).fold(f32::MIN, f32::max);
            (highest, scores.iter().map(|scores| (scores[row] - highest).exp()).sum())
        };
        let norms: Vec<(f32, f32)> = (0..rows).into_par_iter().map(norm).collect();
        let grown = |(class, (scores, gradients)): (usize, (&mut Vec<f32>, &mut Vec<i64>))| {
            let sums = derivatives(class, scores, &norms, labels, gradients);
            Grower::new(blocks, gradients, sums, depth, scores, &unused).tree()
        };
        let by_class = scores.par_iter_mut().zip(&mut gradients).enumerate().with_max_len(1);
        trees.par_extend(by_class.map(grown));
        tell(callback, (round + 1) as f64 / rounds as f64)?;
    }
    Ok(trees)
}

/// The derivatives of a class' loss by each row's score, first and second, as [`Sums`] has them.
fn derivatives(class: usize, scores: &[f32], norms: &[(f32, f32)], labels: &[u8], output: &mut [i64]) -> Sums {
    let derivatives = |((score, (highest, sum)), &label): ((&f32, &(f32, f32)), &u8)| {
        let probability = (score - highest).exp() / sum;
        let expected = if usize::from(label) == class { 1.0 } else { 0.0 };
        // Twice the diagonal of the Hessian, as XGBoost has it.
        let second = (2.0 * probability * (1.0 - probability)).max(1e-16);
        [f64::from(probability - expected), f64::from(second)]
    };
    let rows = || scores.iter().zip(norms).zip(labels).map(derivatives);
    let sums = Sums::of(rows(), scores.len());
    output.iter_mut().zip(rows()).for_each(|(output, derivatives)| *output = sums.packed(derivatives));
    sums
}

impl Trained for Boosted {
    fn predict(&self, features: &Features, _: Products, callback: ProgressCallback) -> Result<Vec<u8>> {
        let bytes = self.binning.bytes(features);
        each_row(features.rows(), callback, |row| {
            let sample = &bytes[row * features.columns..][..features.columns];
            let mut scores = vec![0.0; self.classes];
            for round in self.trees.chunks_exact(self.classes) {
                scores.iter_mut().zip(round).for_each(|(score, tree)| *score += leaf(tree, sample));
            }
            highest(&scores) as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::test_support::classified;
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_stump_is_what_the_formula_says() {
        let columns = 19;
        let (bytes, labels) = classified(500, columns, 10);
        let trees =
            boost(&Blocks::of(&bytes, columns), &labels, 10, [1, 1], &mut |_| ControlFlow::Continue(())).unwrap();
        for (class, tree) in trees.iter().enumerate() {
            // In the first round all probabilities are 1/10.
            let sums = |column: usize, bin: u8| {
                let mut sums = [[0.0_f64; 2]; 2];
                for (row, &label) in bytes.chunks_exact(columns).zip(&labels) {
                    let side = &mut sums[usize::from(row[column] > bin)];
                    side[0] += if usize::from(label) == class { -0.9 } else { 0.1 };
                    side[1] += 0.18;
                }
                sums
            };
            let worth = |sums: [[f64; 2]; 2]| {
                let allowed = sums.iter().all(|[_, second]| *second >= 1.0);
                allowed.then(|| sums.iter().map(|[first, second]| first * first / (second + 1.0)).sum::<f64>())
            };
            let all = (0..columns).flat_map(|column| (0..255).map(move |bin| (column, bin)));
            let best = all.filter_map(|(column, bin)| worth(sums(column, bin))).fold(f64::MIN, f64::max);
            let Node::Split { column, children, bin } = tree[0] else { panic!("class {class} has no split") };
            let sums = sums(column as usize, bin);
            let worth = worth(sums).unwrap();
            assert!((worth - best).abs() < 1e-3 * best, "{worth}, but {best} is the best");
            for (side, [first, second]) in sums.into_iter().enumerate() {
                let Node::Leaf(value) = tree[children as usize + side] else { panic!("a stump has two leaves") };
                assert!((f64::from(value) + 0.3 * first / (second + 1.0)).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn threads_change_nothing_and_a_callback_ends_it() {
        let (bytes, labels) = classified(4500, 19, 10);
        let blocks = Blocks::of(&bytes, 19);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| boost(&blocks, &labels, 10, [5, 6], &mut |_| ControlFlow::Continue(())).unwrap())
        };
        let trees = with(1);
        assert_eq!(trees, with(5));
        let correct = bytes.chunks_exact(19).zip(&labels).filter(|(sample, label)| {
            let scores: Vec<f32> =
                (0..10).map(|class| trees[class..].iter().step_by(10).map(|tree| leaf(tree, sample)).sum()).collect();
            highest(&scores) == usize::from(**label)
        });
        assert!(correct.count() > 4400);
        let mut calls = 0;
        let ended = boost(&blocks, &labels, 10, [5, 6], &mut |_| {
            calls += 1;
            if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(ended, Err(Error::Interrupted(_))));
        assert_eq!(calls, 2);
    }
}
