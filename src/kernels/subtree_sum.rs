//! The sums of subtrees, added up: host side and CPU reference of `shaders/subtree_sum.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "subtree_sum",
    about: "adds up the sums of subtrees that several processes made",
    wgsl: shader!("subtree_sum"),
    bindings: &[read("sums"), read_words("joins"), write("total")],
    cases,
};

/// total `[words]` = the sums `[subtrees, words]`, each joined to as many of those that wait as `joins` says.
#[derive(Clone, Debug)]
pub struct SubtreeSum {
    pub words: usize,
    /// See [`joins`](crate::parallel::joins).
    pub joins: Vec<u32>,
}

const THREADS: usize = 64;
/// Values of one task of the CPU path.
const BLOCK: usize = 1024;

impl SubtreeSum {
    /// Sums that wait, at most.
    fn levels(&self) -> usize {
        let heights = self.joins.iter().scan(0, |height: &mut usize, joins| {
            *height = (*height + 1).saturating_sub(*joins as usize);
            Some(*height)
        });
        heights.max().unwrap_or(0).max(1)
    }
}

impl Kernel for SubtreeSum {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("SUBTREES", self.joins.len().into()),
            ("WORDS", self.words.into()),
            ("LEVELS", self.levels().into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.words.div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.words * self.joins.len().saturating_sub(1)
    }

    fn traffic(&self, _: &str, words: usize) -> usize {
        words
    }

    fn words(&self) -> Vec<usize> {
        vec![self.joins.len() * self.words, self.joins.len(), self.words]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [sums, joins, total] = memory else { unreachable!("{BINDINGS}") };
        let (sums, joins, total) = (floats(sums), &joins[..self.joins.len()], floats_mut(total));
        total[..self.words].par_chunks_mut(BLOCK).enumerate().for_each(|(number, total)| {
            let mut waiting: Vec<Vec<f32>> = Vec::new();
            for (subtree, joins) in joins.iter().enumerate() {
                let mut sum = sums[subtree * self.words + number * BLOCK..][..total.len()].to_vec();
                for _ in 0..*joins {
                    let left = waiting.pop().unwrap_or_default();
                    sum.iter_mut().zip(left).for_each(|(sum, left)| *sum += left);
                }
                waiting.push(sum);
            }
            total.copy_from_slice(&waiting.pop().unwrap_or_else(|| vec![0.0; total.len()]));
        });
    }
}

/// Of real numbers, whose sums tell in which order they were made.
fn cases() -> Vec<Case> {
    let make = |(number, (words, joins)): (usize, (usize, &[u32]))| {
        let kernel = SubtreeSum { words, joins: joins.to_vec() };
        let sums = Draw::new(number).numbers(words * joins.len(), 1.0);
        let memory = vec![sums, joins.to_vec(), unwritten(words)];
        case(format!("{words} words, joins {joins:?}"), kernel, memory)
    };
    let cases: [(usize, &[u32]); 6] = [
        (64, &[0]),
        (1, &[0, 1]),
        (1_500, &[0, 0, 2]),
        (130, &[0, 0, 0, 2, 1, 0, 3]),
        (70, &[0, 0, 2, 1]),
        (64 * 32_769, &[0, 1]),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
