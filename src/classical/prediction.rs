//! What predictions have in common.

use rayon::prelude::*;

use crate::callback::{ProgressCallback, tell};
use crate::error::Result;

/// Rows between two calls of the callback.
const PORTION: usize = 4096;
/// Rows that a thread has at least.
const TOGETHER: usize = 64;

/// What `class` says of each of so many rows, on all cores.
///
/// # Errors
/// An interrupt, where the callback asks for one.
pub fn each_row(rows: usize, callback: ProgressCallback, class: impl Fn(usize) -> u8 + Sync) -> Result<Vec<u8>> {
    let mut classes = Vec::with_capacity(rows);
    while classes.len() < rows {
        let portion = classes.len()..rows.min(classes.len() + PORTION);
        classes.par_extend(portion.into_par_iter().with_min_len(TOGETHER).map(&class));
        tell(callback, classes.len() as f64 / rows as f64)?;
    }
    Ok(classes)
}

/// The place of the highest score; of those as high, the lowest place, as scikit-learn has it.
pub fn highest<T: PartialOrd>(scores: &[T]) -> usize {
    (1..scores.len()).fold(0, |best, place| if scores[place] > scores[best] { place } else { best })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn of_equal_scores_the_first_is_the_highest() {
        assert_eq!(highest(&[1.0, 3.0, 2.0, 3.0]), 1);
        assert_eq!(highest(&[0; 3]), 0);
    }

    #[test]
    fn rows_stay_in_order() {
        let rows = 2 * PORTION + 1;
        let mut calls = 0;
        let callback = &mut |_| {
            calls += 1;
            ControlFlow::Continue(())
        };
        let classes = each_row(rows, callback, |row| (row % 251) as u8).unwrap();
        assert!(classes.iter().copied().eq((0..rows).map(|row| (row % 251) as u8)));
        assert_eq!(calls, 3);
    }
}
