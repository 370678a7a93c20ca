//! A tree by Newton's method, from histograms of derivatives (Chen and Guestrin, 2016, with all values in bins).

use std::sync::{Mutex, PoisonError};

use super::histograms::{Blocks, Histograms, Sums};
use super::node::Node;

/// What part of a step is taken.
const ETA: f32 = 0.3;
/// The weight of the leaves' squares.
const LAMBDA: f64 = 1.0;
/// The least sum of second derivatives on a side.
const LEAST_WEIGHT: f64 = 1.0;
/// The least gain of a split, above rounding.
const LEAST_GAIN: f64 = 1e-6;

/// What grows one tree.
pub struct Grower<'a> {
    blocks: &'a Blocks,
    /// The derivatives of each row.
    derivatives: &'a [i64],
    sums: Sums,
    depth: usize,
    nodes: Vec<Node<f32>>,
    /// `[rows]`, to which each row's leaf is added.
    scores: &'a mut [f32],
    /// Histograms that nobody has a use for: memory once asked for is used again.
    unused: &'a Mutex<Vec<Histograms>>,
}

/// What is known of a node before it is split.
struct Open<'a> {
    place: usize,
    depth: usize,
    rows: &'a mut [u32],
    total: i64,
}

struct Split {
    column: usize,
    bin: u8,
    gain: f64,
    /// The sum of the rows on the left.
    left: i64,
}

impl<'a> Grower<'a> {
    pub fn new(
        blocks: &'a Blocks,
        derivatives: &'a [i64],
        sums: Sums,
        depth: usize,
        scores: &'a mut [f32],
        unused: &'a Mutex<Vec<Histograms>>,
    ) -> Self {
        Self { blocks, derivatives, sums, depth, nodes: Vec::new(), scores, unused }
    }

    /// The tree, whose leaves have been added to the scores.
    pub fn tree(mut self) -> Vec<Node<f32>> {
        let mut rows: Vec<u32> = (0..self.blocks.rows() as u32).collect();
        let histograms = self.histograms(&rows);
        self.nodes.push(Node::Leaf(0.0));
        let total = self.derivatives.iter().sum();
        self.grow(Open { place: 0, depth: 0, rows: &mut rows, total }, histograms);
        self.nodes
    }

    fn grow(&mut self, node: Open, mut histograms: Histograms) {
        let Some(split) = self.best(node.total, &histograms) else {
            self.release(histograms);
            return self.end(node);
        };
        let children = self.nodes.len();
        self.nodes[node.place] = Node::Split { column: split.column as u32, children: children as u32, bin: split.bin };
        self.nodes.extend([Node::Leaf(0.0); 2]);
        let middle = self.partition(node.rows, &split);
        let (left, right) = node.rows.split_at_mut(middle);
        let depth = node.depth + 1;
        let left = Open { place: children, depth, rows: left, total: split.left };
        let right = Open { place: children + 1, depth, rows: right, total: node.total - split.left };
        if depth == self.depth {
            self.release(histograms);
            self.end(left);
            return self.end(right);
        }
        // The smaller side is added up; the larger one is what then is left.
        let (smaller, larger) = if left.rows.len() < right.rows.len() { (left, right) } else { (right, left) };
        let part = self.histograms(smaller.rows);
        let sums = histograms.as_flattened_mut().as_flattened_mut().iter_mut();
        sums.zip(part.as_flattened().as_flattened()).for_each(|(sum, part)| *sum -= part);
        self.grow(smaller, part);
        self.grow(larger, histograms);
    }

    /// Makes the node a leaf.
    fn end(&mut self, node: Open) {
        let [first, second] = self.sums.unpacked(node.total);
        let value = ETA * (-first / (second + LAMBDA)) as f32;
        self.nodes[node.place] = Node::Leaf(value);
        node.rows.iter().for_each(|&row| self.scores[row as usize] += value);
    }

    fn best(&self, total: i64, histograms: &Histograms) -> Option<Split> {
        let worth = |sum: i64| {
            let [first, second] = self.sums.unpacked(sum);
            (second, first * first / (second + LAMBDA))
        };
        let (_, whole) = worth(total);
        let mut best = Split { column: 0, bin: 0, gain: LEAST_GAIN, left: 0 };
        let columns = histograms.as_flattened().iter().take(self.blocks.columns());
        for (column, sums) in columns.enumerate() {
            let mut left = 0;
            for (bin, &sum) in (0..u8::MAX).zip(sums) {
                if sum == 0 {
                    continue;
                }
                left += sum;
                let ((left_weight, left_worth), (right_weight, right_worth)) = (worth(left), worth(total - left));
                let gain = left_worth + right_worth - whole;
                if gain > best.gain && left_weight >= LEAST_WEIGHT && right_weight >= LEAST_WEIGHT {
                    best = Split { column, bin, gain, left };
                }
            }
        }
        (best.gain > LEAST_GAIN).then_some(best)
    }

    /// Puts the rows of the left side before the others, and keeps the order of both. Gives how many are on the left.
    fn partition(&self, rows: &mut [u32], split: &Split) -> usize {
        let byte = self.blocks.column(split.column);
        let (mut others, mut middle) = (Vec::new(), 0);
        for place in 0..rows.len() {
            let row = rows[place];
            if byte(row) <= split.bin {
                rows[middle] = row;
                middle += 1;
            } else {
                others.push(row);
            }
        }
        rows[middle..].copy_from_slice(&others);
        middle
    }

    fn histograms(&self, rows: &[u32]) -> Histograms {
        let space = self.unused.lock().unwrap_or_else(PoisonError::into_inner).pop();
        self.blocks.histograms(rows, self.derivatives, space)
    }

    fn release(&self, histograms: Histograms) {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner).push(histograms);
    }
}
