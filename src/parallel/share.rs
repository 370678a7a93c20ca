//! What each rank does of a step: a range of its micro-batches, whose sums are whole subtrees of the tree over all of them.

use std::ops::Range;

use crate::error::{Error, Result};

/// What a rank does of each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub rank: usize,
    /// The micro-batches of each rank, one after the other.
    pub ranges: Vec<Range<usize>>,
}

impl Share {
    /// Micro-batches shared out by how fast each rank is.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are fewer than ranks.
    pub fn new(rank: usize, micro_batches: usize, speeds: &[f64]) -> Result<Self> {
        let ranks = speeds.len();
        if micro_batches < ranks {
            return Err(Error::Usage(format!(
                "{ranks} processes, but a step has {micro_batches} micro-batch{}; start at most that many, or give a \
                 smaller `micro_batch`",
                if micro_batches == 1 { "" } else { "es" }
            )));
        }
        Ok(Self { rank, ranges: divide(micro_batches, speeds) })
    }

    /// This rank's micro-batches.
    pub fn own(&self) -> Range<usize> {
        self.ranges[self.rank].clone()
    }

    /// The subtrees that all ranks' sums are of.
    pub fn all_subtrees(&self) -> Vec<Range<usize>> {
        self.ranges.iter().cloned().flat_map(subtrees).collect()
    }

    /// Each rank's part of so many words.
    pub fn words(&self, words: usize) -> Vec<Range<usize>> {
        divide(words, &vec![1.0; self.ranges.len()])
    }
}

/// Cuts so many things in a row, at least one for each rank where there are as many, by the ranks' weights.
pub fn divide(count: usize, weights: &[f64]) -> Vec<Range<usize>> {
    let (all, ranks) = (weights.iter().sum::<f64>(), weights.len());
    let least = usize::from(count >= ranks);
    let (mut start, mut before) = (0, 0.0);
    let cut = |(rank, weight): (usize, &f64)| {
        before += weight;
        let later = least * (ranks - rank - 1);
        let end = (count as f64 * before / all).round() as usize;
        let end = if rank + 1 == ranks { count } else { end.clamp(start + least, count - later) };
        let own = start..end;
        start = end;
        own
    };
    weights.iter().enumerate().map(cut).collect()
}

/// The fewest whole subtrees of a tree over numbers that a range of them is made of, from left to right.
pub fn subtrees(range: Range<usize>) -> Vec<Range<usize>> {
    let mut start = range.start;
    let mut found = Vec::new();
    while start < range.end {
        let fits = 1 << (range.end - start).ilog2();
        let size = if start == 0 { fits } else { fits.min(1 << start.trailing_zeros()) };
        found.push(start..start + size);
        start += size;
    }
    found
}

/// How many of the sums that wait each subtree's sum is joined to, from left to right; the last one to all of them.
pub fn joins(subtrees: &[Range<usize>]) -> Vec<u32> {
    let mut waiting: Vec<usize> = Vec::new();
    let mut joins = Vec::new();
    for (number, subtree) in subtrees.iter().enumerate() {
        let (mut size, mut count) = (subtree.len(), 0);
        while waiting.last() == Some(&size) || number + 1 == subtrees.len() && !waiting.is_empty() {
            size += waiting.pop().unwrap_or(0);
            count += 1;
        }
        waiting.push(size);
        joins.push(count);
    }
    joins
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree over a range as text.
    fn tree(range: Range<usize>) -> String {
        match range.len() {
            0 => String::new(),
            1 => range.start.to_string(),
            count => {
                let middle = range.start + count.next_power_of_two() / 2;
                format!("({} {})", tree(range.start..middle), tree(middle..range.end))
            }
        }
    }

    #[test]
    fn whoever_makes_which_subtrees_they_are_joined_to_the_same_tree() {
        let weights = [vec![1.0], vec![1.0; 2], vec![1.0; 3], vec![3.0, 1.0], vec![1.0, 2.0, 5.0, 1.0], vec![1.0; 8]];
        for (count, weights) in (1..40).flat_map(|count| weights.iter().map(move |weights| (count, weights))) {
            let Ok(share) = Share::new(0, count, weights) else {
                assert!(count < weights.len());
                continue;
            };
            let all = share.all_subtrees();
            let mut waiting: Vec<String> = Vec::new();
            for (subtree, joins) in all.iter().zip(joins(&all)) {
                let mut sum = tree(subtree.clone());
                for _ in 0..joins {
                    sum = format!("({} {sum})", waiting.pop().unwrap());
                }
                waiting.push(sum);
            }
            assert_eq!(waiting, [tree(0..count)], "{weights:?}");
        }
    }

    #[test]
    fn every_rank_has_something_and_as_much_as_suits_it() {
        assert_eq!(divide(8, &[1.0; 3]), [0..3, 3..5, 5..8]);
        assert_eq!(divide(8, &[3.0, 1.0]), [0..6, 6..8]);
        assert_eq!(divide(4, &[1e-3, 1.0, 1e-3]), [0..1, 1..3, 3..4]);
        assert_eq!(divide(2, &[1.0; 3]), [0..1, 1..1, 1..2]);
        let error = Share::new(0, 1, &[1.0; 4]).unwrap_err().to_string();
        assert!(error.starts_with("4 processes, but a step has 1 micro-batch; "), "{error}");
    }
}
