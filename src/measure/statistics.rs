//! Of a few measurements: the middle, and how far they lie apart.

/// The middle of the values, or the mean of the two middle ones; NaN of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let (below, above) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(below), sorted.get(above)) {
        (Some(below), Some(above)) => (below + above) / 2.0,
        _ => f64::NAN,
    }
}

/// Smallest and largest value.
pub fn spread(values: &[f64]) -> [f64; 2] {
    let fold = |start, choose: fn(f64, f64) -> f64| values.iter().copied().fold(start, choose);
    [fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([7.0]), 7.0);
        assert!(median([]).is_nan());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), [1.0, 3.0]);
    }
}
