//! The decision tree: the best split at each node until a leaf has one class, as scikit-learn's
//! `DecisionTreeClassifier` grows it (CART: Breiman, Friedman, Olshen and Stone, 1984).

use rayon::prelude::*;

use super::bins::{Binning, Columns};
use super::learner::{Learner, Trained};
use super::node::{Node, leaf};
use super::prediction::{each_row, highest};
use super::split::{Samples, Search, Split};
use super::{Features, Products};
use crate::callback::{ProgressCallback, tell};
use crate::error::Result;
use crate::random::{Sequence, Stream};

pub const LEARNER: Learner = Learner {
    name: "tree",
    title: "decision tree",
    settings: "",
    train: |task, callback| {
        task.check()?;
        let binning = Binning::of(task.features);
        let columns = Columns::of(&binning.bytes(task.features), task.features.columns);
        let rows = (0..columns.rows() as u32).collect();
        let search = Search::new(&columns, task.labels, task.classes, columns.count());
        let tree = Tree::grow(&search, rows, task.seed, callback)?;
        Ok(Box::new(Trees { binning, classes: task.classes, trees: vec![tree] }))
    },
};

/// A tree whose leaves say which part of their samples each class has.
#[derive(Debug, PartialEq)]
pub struct Tree {
    nodes: Vec<Node<Shares>>,
    /// The shares of all leaves; most have one class only.
    shares: Vec<(u8, f32)>,
}

/// A leaf's classes, a range of the tree's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shares {
    begin: u32,
    end: u32,
}

/// What is known of a node before it is split.
struct Open<'a> {
    place: usize,
    rows: &'a mut [u32],
    labels: &'a mut [u8],
    counts: Vec<u32>,
}

impl Tree {
    /// Of these rows, some of which may be there more than once.
    ///
    /// # Errors
    /// The callback's, which is told what part of the rows is in leaves.
    pub fn grow(search: &Search, mut rows: Vec<u32>, seed: u64, callback: ProgressCallback) -> Result<Self> {
        let mut labels: Vec<u8> = rows.iter().map(|&row| search.labels[row as usize]).collect();
        let (all, mut settled) = (rows.len(), 0);
        let mut tree = Self { nodes: vec![Self::UNKNOWN], shares: Vec::new() };
        let counts = counts(&labels, search.classes);
        let mut level = vec![Open { place: 0, rows: &mut rows, labels: &mut labels, counts }];
        // A level at a time: a tree may be deeper than a thread's stack.
        while !level.is_empty() {
            let split: Vec<(Open, Option<(Split, usize)>)> = level
                .into_par_iter()
                .map(|mut open| {
                    let split = open.split(search, seed);
                    (open, split)
                })
                .collect();
            level = Vec::new();
            for (open, split) in split {
                match split {
                    Some((split, middle)) => level.extend(tree.branch(open, split, middle)),
                    None => {
                        settled += open.rows.len();
                        tree.end(&open);
                    }
                }
            }
            tell(callback, settled as f64 / all as f64)?;
        }
        Ok(tree)
    }

    const UNKNOWN: Node<Shares> = Node::Leaf(Shares { begin: 0, end: 0 });

    /// Makes the node a split, whose left side has the first rows up to the middle.
    fn branch<'a>(&mut self, open: Open<'a>, Split { column, bin, .. }: Split, middle: usize) -> [Open<'a>; 2] {
        let place = self.nodes.len();
        self.nodes[open.place] = Node::Split { column, children: place as u32, bin };
        self.nodes.extend([Self::UNKNOWN; 2]);
        let (left_rows, right_rows) = open.rows.split_at_mut(middle);
        let (left_labels, right_labels) = open.labels.split_at_mut(middle);
        let left_counts = counts(left_labels, open.counts.len());
        let right_counts = open.counts.iter().zip(&left_counts).map(|(all, left)| all - left).collect();
        [
            Open { place, rows: left_rows, labels: left_labels, counts: left_counts },
            Open { place: place + 1, rows: right_rows, labels: right_labels, counts: right_counts },
        ]
    }

    /// Makes the node a leaf.
    fn end(&mut self, open: &Open) {
        let begin = self.shares.len() as u32;
        let present = (0..=u8::MAX).zip(&open.counts).filter(|(_, count)| **count > 0);
        self.shares.extend(present.map(|(class, &count)| (class, count as f32 / open.rows.len() as f32)));
        self.nodes[open.place] = Node::Leaf(Shares { begin, end: self.shares.len() as u32 });
    }

    /// Which part of the samples of a sample's leaf each class has.
    pub fn shares(&self, sample: &[u8]) -> &[(u8, f32)] {
        let Shares { begin, end } = leaf(&self.nodes, sample);
        &self.shares[begin as usize..end as usize]
    }
}

fn counts(labels: &[u8], classes: usize) -> Vec<u32> {
    let mut counts = vec![0; classes];
    labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    counts
}

impl Open<'_> {
    /// Puts the rows of the left side before the others. Gives the split and where the others begin; none for a leaf.
    fn split(&mut self, search: &Search, seed: u64) -> Option<(Split, usize)> {
        if self.counts.iter().any(|&count| count as usize == self.rows.len()) {
            return None;
        }
        let samples = Samples { rows: self.rows, labels: self.labels, counts: &self.counts };
        let split = search.best(&samples, Sequence::new(seed, Stream::Learners, self.place as u32))?;
        let column = search.columns.column(split.column as usize);
        // Both sides keep their order: rising rows are kinder to the cache.
        let (mut others, mut middle) = (Vec::new(), 0);
        for place in 0..self.rows.len() {
            let (row, label) = (self.rows[place], self.labels[place]);
            if column[row as usize] <= split.bin {
                (self.rows[middle], self.labels[middle]) = (row, label);
                middle += 1;
            } else {
                others.push((row, label));
            }
        }
        let right = self.rows[middle..].iter_mut().zip(&mut self.labels[middle..]);
        right.zip(others).for_each(|((row, label), other)| (*row, *label) = other);
        Some((split, middle))
    }
}

/// Trees that have a vote each; it goes to the classes of a leaf by their shares.
pub struct Trees {
    pub binning: Binning,
    pub classes: usize,
    pub trees: Vec<Tree>,
}

impl Trained for Trees {
    fn predict(&self, features: &Features, _: Products, callback: ProgressCallback) -> Result<Vec<u8>> {
        let bytes = self.binning.bytes(features);
        each_row(features.rows(), callback, |row| {
            let sample = &bytes[row * features.columns..][..features.columns];
            let mut votes = vec![0.0; self.classes];
            let shares = self.trees.iter().flat_map(|tree| tree.shares(sample));
            shares.for_each(|&(class, share)| votes[usize::from(class)] += share);
            highest(&votes) as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::learner::Task;
    use super::super::test_support::{classified, cpu};
    use super::*;

    fn task<'a>(features: &'a Features, labels: &'a [u8]) -> Task<'a> {
        Task { features, labels, classes: 10, seed: 0, products: cpu() }
    }

    /// The impurity of both sides, by its definition.
    fn impurity(column: &[u8], labels: &[u8], bin: u8) -> Option<f64> {
        let mut counts = [[0.0_f64; 10]; 2];
        for (&byte, &label) in column.iter().zip(labels) {
            counts[usize::from(byte > bin)][usize::from(label)] += 1.0;
        }
        let sides = counts.map(|counts| counts.iter().sum::<f64>());
        let gini = |(counts, side): (&[f64; 10], &f64)| {
            side * (1.0 - counts.iter().map(|count| (count / side).powi(2)).sum::<f64>())
        };
        (sides[0] > 0.0 && sides[1] > 0.0).then(|| counts.iter().zip(&sides).map(gini).sum())
    }

    #[test]
    fn the_root_is_the_best_split_there_is() {
        // Sorted, counted, and counted for many classes.
        for (rows, classes) in [(60, 10), (300, 10), (900, 10), (900, 200)] {
            let (bytes, labels) = classified(rows, 7, 10);
            let columns = Columns::of(&bytes, 7);
            let search = Search::new(&columns, &labels, classes, 7);
            let rows: Vec<u32> = (0..rows as u32).collect();
            let counts = counts(&labels, classes);
            let samples = Samples { rows: &rows, labels: &labels, counts: &counts };
            let root = search.best(&samples, Sequence::new(0, Stream::Learners, 0)).unwrap();
            let of = |column: usize, bin: u8| impurity(columns.column(column), &labels, bin);
            let all = (0..7).flat_map(|column| (0..=255).filter_map(move |bin| of(column, bin)));
            let least = all.fold(f64::MAX, f64::min);
            assert!((of(root.column as usize, root.bin).unwrap() - least).abs() < 1e-6, "{} rows", rows.len());
        }
    }

    #[test]
    fn a_whole_tree_knows_its_samples() {
        let (bytes, labels) = classified(700, 7, 10);
        let features = Features::numbers(7, bytes.iter().map(|&byte| f32::from(byte)).collect());
        let tree = (LEARNER.train)(&task(&features, &labels), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(tree.predict(&features, cpu(), &mut |_| ControlFlow::Continue(())).unwrap(), labels);
    }
}
