//! The random forest (Breiman, 2001), as scikit-learn's: each tree learns as many samples as there are, drawn with
//! replacement, and looks at some columns, drawn at each node.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::bins::{Binning, Columns};
use super::learner::Learner;
use super::split::Search;
use super::tree::{Tree, Trees};
use crate::callback::{ProgressCallback, tell};
use crate::error::Result;
use crate::random::{Sequence, Stream};

pub const LEARNER: Learner = Learner {
    name: "forest",
    title: "random forest",
    settings: "100 trees",
    train: |task, callback| {
        task.check()?;
        let binning = Binning::of(task.features);
        let columns = Columns::of(&binning.bytes(task.features), task.features.columns);
        let search = Search::new(&columns, task.labels, task.classes, columns.count().isqrt());
        let trees = grow(&search, TREES, task.seed, callback)?;
        Ok(Box::new(Trees { binning, classes: task.classes, trees }))
    },
};

const TREES: usize = 100;
/// Trees that each thread grows between two calls of the callback.
const TREES_A_THREAD: usize = 4;

fn grow(search: &Search, count: usize, seed: u64, callback: ProgressCallback) -> Result<Vec<Tree>> {
    let samples = search.columns.rows();
    let tree = |number: usize| {
        let mut random = Sequence::new(seed, Stream::Learners, number as u32);
        let mut rows: Vec<u32> = (0..samples).map(|_| random.below(samples as u32)).collect();
        rows.sort_unstable();
        // A key of its own for the columns at its nodes.
        let key = u64::from(random.word()) << 32 | u64::from(random.word());
        Tree::grow(search, rows, key, &mut |_| ControlFlow::Continue(()))
    };
    let mut trees = Vec::new();
    while trees.len() < count {
        let next = trees.len()..count.min(trees.len() + TREES_A_THREAD * rayon::current_num_threads());
        let grown: Result<Vec<Tree>> = next.into_par_iter().with_max_len(1).map(tree).collect();
        trees.extend(grown?);
        tell(callback, trees.len() as f64 / count as f64)?;
    }
    Ok(trees)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::test_support::classified;
    use super::*;
    use crate::error::Error;

    #[test]
    fn threads_change_nothing_but_the_seed_does() {
        let (bytes, labels) = classified(1500, 30, 10);
        let columns = Columns::of(&bytes, 30);
        let search = Search::new(&columns, &labels, 10, 5);
        let with = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| grow(&search, 8, seed, &mut |_| ControlFlow::Continue(())).unwrap())
        };
        let trees = with(1, 3);
        assert_eq!(trees, with(5, 3));
        assert_ne!(trees, with(1, 4));
        assert!(trees.iter().enumerate().all(|(number, tree)| !trees[..number].contains(tree)));
    }

    #[test]
    fn a_callback_ends_it() {
        let (bytes, labels) = classified(50, 3, 10);
        let columns = Columns::of(&bytes, 3);
        let mut parts = Vec::new();
        let grown = grow(&Search::new(&columns, &labels, 10, 2), 1000, 0, &mut |part| {
            parts.push(part);
            if parts.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(grown, Err(Error::Interrupted(_))));
        assert_eq!(parts.len(), 2);
    }
}
