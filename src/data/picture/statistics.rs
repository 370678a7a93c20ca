//! What most values say.

/// The median; zero of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    match values.len() {
        0 => 0.0,
        count => *values.select_nth_unstable_by(count / 2, f64::total_cmp).1,
    }
}

/// The brightness that, with those up to `reach` from it, is commonest, and how many values are that bright.
pub fn commonest(values: impl Iterator<Item = u8>, reach: u8) -> (u8, usize) {
    let mut counts = [0usize; 256];
    values.for_each(|value| counts[usize::from(value)] += 1);
    let within = |middle: u8| {
        counts[usize::from(middle.saturating_sub(reach))..=usize::from(middle.saturating_add(reach))].iter().sum()
    };
    let best = |best: (u8, usize), middle: u8| {
        let count = within(middle);
        if count > best.1 { (middle, count) } else { best }
    };
    (0..=255).fold((0, 0), best)
}
