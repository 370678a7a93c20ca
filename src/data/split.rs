//! Splits sample indices exactly as scikit-learn and NumPy do, index for index.

use rand_mt::Mt;

use crate::error::{Error, Result};

/// The indices of the samples to train with, and of those held out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices to train with.
    pub train: Vec<u32>,
    /// Indices to validate with; together with `train` they are every index once.
    pub validation: Vec<u32>,
}

/// Holds out `fraction` of `count` samples, rounded up, in the order of scikit-learn's
/// `train_test_split(numpy.arange(count), test_size=fraction, random_state=seed)`.
///
/// # Errors
///
/// [`Error::Usage`] when `fraction` is not between 0 and 1, when either side would be empty, or when `count` is beyond
/// 32 bits.
pub fn train_validation_split(count: usize, fraction: f64, seed: u32) -> Result<Split> {
    let refuse = |problem: String| Err(Error::Usage(format!("`validation_fraction` {fraction}: {problem}")));
    if fraction.is_nan() || fraction <= 0.0 || fraction >= 1.0 {
        return refuse("not between 0 and 1; give a fraction such as 0.2".into());
    }
    if count < 2 {
        return refuse(format!("{count} samples cannot be divided; take a data set or `count` of 2 or more"));
    }
    let held_out = (fraction * count as f64).ceil() as usize;
    if held_out == 0 || held_out >= count {
        return refuse(format!(
            "leaves {held_out} of {count} samples to validate with and {} to train with; give a fraction that leaves \
             some for both",
            count.saturating_sub(held_out)
        ));
    }
    let mut validation = permutation(count, seed)?;
    let train = validation.split_off(held_out);
    Ok(Split { train, validation })
}

/// Divides `count` samples into `folds` parts and holds out each in turn, as scikit-learn's
/// `KFold(folds, shuffle=True, random_state=seed)` does. All indices ascend; the first `count % folds` parts hold one
/// sample more than the others.
///
/// # Errors
///
/// [`Error::Usage`] when there are fewer than 2 folds or more folds than samples, or when `count` is beyond 32 bits.
pub fn k_folds(count: usize, folds: usize, seed: u32) -> Result<Vec<Split>> {
    if count < 2 {
        return Err(Error::Usage(format!(
            "`folds` {folds}: {count} samples cannot be divided; take a data set or `count` of 2 or more"
        )));
    }
    if folds < 2 || folds > count {
        return Err(Error::Usage(format!("`folds` {folds}: not possible with {count} samples; give 2 to {count}")));
    }
    let order = permutation(count, seed)?;
    // Every index is below `count`, so each has its place in this table.
    let mut fold_of = vec![0; count];
    let mut remaining = order.as_slice();
    for fold in 0..folds {
        let (part, rest) = remaining.split_at(count / folds + usize::from(fold < count % folds));
        for &index in part {
            fold_of[index as usize] = fold;
        }
        remaining = rest;
    }
    let split = |fold| {
        let (validation, train) = (0..order.len() as u32).partition(|&index| fold_of[index as usize] == fold);
        Split { train, validation }
    };
    Ok((0..folds).map(split).collect())
}

/// NumPy's `RandomState(seed).permutation(count)`: a Fisher-Yates shuffle from the end.
fn permutation(count: usize, seed: u32) -> Result<Vec<u32>> {
    let count = u32::try_from(count)
        .map_err(|_| Error::Usage(format!("{count} samples are too many to split; give at most {}", u32::MAX)))?;
    let mut generator = Mt::new(seed);
    let mut order: Vec<u32> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last as usize, up_to(last, &mut generator) as usize);
    }
    Ok(order)
}

/// A number from 0 to `limit` inclusive, which is not 0: NumPy's `random_interval` draws words, cut to the bits that
/// `limit` has, until one is in range.
fn up_to(limit: u32, generator: &mut Mt) -> u32 {
    let mask = u32::MAX >> limit.leading_zeros();
    loop {
        let value = generator.next_u32() & mask;
        if value <= limit {
            return value;
        }
    }
}
