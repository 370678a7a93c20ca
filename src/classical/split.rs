//! The split that leaves the classes of some samples least mixed, by Gini's impurity (Breiman, Friedman, Olshen and
//! Stone, 1984).
//!
//! The impurity of both sides is least where the sum of their purities is greatest, a side's being the sum of its
//! classes' counts squared, divided by its samples.

use rayon::prelude::*;

use super::bins::Columns;
use crate::random::Sequence;

/// A place to split at: bytes of at most `bin` are on the left.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    pub column: u32,
    pub bin: u8,
    purity: f64,
}

/// The samples of a node.
#[derive(Clone, Copy)]
pub struct Samples<'a> {
    pub rows: &'a [u32],
    /// The class of each of them.
    pub labels: &'a [u8],
    /// How many there are of each class.
    pub counts: &'a [u32],
}

/// Where to look for splits.
pub struct Search<'a> {
    pub columns: &'a Columns,
    /// The class of each row.
    pub labels: &'a [u8],
    pub classes: usize,
    /// Columns to look at, by chance; if none of them has a split, others until one has. All of them need no chance.
    looked_at: usize,
    cut: fn(&[u8], &Samples, &mut Space) -> Option<Cut>,
}

/// A split of a column.
struct Cut {
    bin: u8,
    purity: f64,
}

/// What a search writes on.
#[derive(Default)]
struct Space {
    keys: Vec<u16>,
    counts: Vec<u32>,
}

/// The most samples whose bytes are sorted; those of more are counted.
const SORTED: usize = 400;
/// The least samples that more than one thread look at.
const SHARED: usize = 200;

impl<'a> Search<'a> {
    pub fn new(columns: &'a Columns, labels: &'a [u8], classes: usize, looked_at: usize) -> Self {
        // The compiler knows how many classes there may be: their sums are then vectors.
        let cut = if classes <= 16 { best_cut::<16> } else { best_cut::<256> };
        Self { columns, labels, classes, looked_at, cut }
    }

    /// The best split; none where the samples are the same in all columns. Of equally good ones it is the first that is
    /// looked at.
    pub fn best(&self, samples: &Samples, random: Sequence) -> Option<Split> {
        let count = self.columns.count();
        if self.looked_at < count {
            return self.by_chance(samples, random);
        }
        let look = |(best, mut space): (Option<Split>, Space), column| {
            (better(best, self.split(column, samples, &mut space)), space)
        };
        if samples.rows.len() <= SHARED {
            return (0..count).fold((None, Space::default()), look).0;
        }
        let columns = (0..count).into_par_iter().with_min_len(16);
        columns.fold(|| (None, Space::default()), look).map(|(best, _)| best).reduce(|| None, better)
    }

    /// As Breiman (2001) has it: other columns at each node.
    fn by_chance(&self, samples: &Samples, mut random: Sequence) -> Option<Split> {
        let mut columns: Vec<usize> = (0..self.columns.count()).collect();
        let (mut best, mut space) = (None, Space::default());
        for place in 0..columns.len() {
            if place >= self.looked_at && best.is_some() {
                break;
            }
            let chosen = place + random.below((columns.len() - place) as u32) as usize;
            columns.swap(place, chosen);
            best = better(best, self.split(columns[place], samples, &mut space));
        }
        best
    }

    fn split(&self, column: usize, samples: &Samples, space: &mut Space) -> Option<Split> {
        let Cut { bin, purity } = (self.cut)(self.columns.column(column), samples, space)?;
        Some(Split { column: column as u32, bin, purity })
    }
}

/// The purer one; of equally pure ones the first.
fn better(first: Option<Split>, second: Option<Split>) -> Option<Split> {
    match (first, second) {
        (Some(first), Some(second)) => Some(if second.purity > first.purity { second } else { first }),
        (first, second) => first.or(second),
    }
}

impl Cut {
    const NONE: Self = Self { bin: 0, purity: -1.0 };

    /// Takes the cut halfway between two bytes if it is better.
    fn offer(&mut self, below: u8, above: u8, purity: f64) {
        if purity > self.purity {
            *self = Self { bin: u8::midpoint(below, above), purity };
        }
    }
}

/// The best place to cut a column; none where all samples have the same byte.
fn best_cut<const CLASSES: usize>(column: &[u8], samples: &Samples, space: &mut Space) -> Option<Cut> {
    let mut totals = [0; CLASSES];
    totals[..samples.counts.len()].copy_from_slice(samples.counts);
    let bytes = samples.rows.iter().map(|&row| column[row as usize]).zip(samples.labels.iter().copied());
    let best = match samples.rows.len() {
        ..=SORTED => by_sorting(bytes, &totals, &mut space.keys),
        _ => by_counting(bytes, &totals, &mut space.counts),
    };
    (best.purity >= 0.0).then_some(best)
}

type Pair = (u8, u8);

fn by_sorting<const CLASSES: usize>(
    bytes: impl Iterator<Item = Pair>,
    totals: &[u32; CLASSES],
    keys: &mut Vec<u16>,
) -> Cut {
    keys.clear();
    keys.extend(bytes.map(|(byte, label)| u16::from_be_bytes([byte, label])));
    let mut best = Cut::NONE;
    // No need to sort what is all the same: the margins of images are.
    if keys.iter().all(|key| key >> 8 == keys[0] >> 8) {
        return best;
    }
    keys.sort_unstable();
    let mut left = [0_u32; CLASSES];
    let squares = |counts: &[u32; CLASSES]| counts.iter().map(|&count| u64::from(count).pow(2)).sum::<u64>();
    let (mut left_squares, mut right_squares) = (0, squares(totals));
    for place in 1..keys.len() {
        let [[below, label], [above, _]] = [keys[place - 1], keys[place]].map(u16::to_be_bytes);
        let class = usize::from(label) % CLASSES;
        // (count + 1)^2 is 2 count + 1 more than count^2.
        left_squares += u64::from(2 * left[class] + 1);
        right_squares -= u64::from(2 * (totals[class] - left[class]) - 1);
        left[class] += 1;
        if below != above {
            let sides = [place, keys.len() - place].map(|count| count as f64);
            best.offer(below, above, left_squares as f64 / sides[0] + right_squares as f64 / sides[1]);
        }
    }
    best
}

fn by_counting<const CLASSES: usize>(
    bytes: impl Iterator<Item = Pair>,
    totals: &[u32; CLASSES],
    counts: &mut Vec<u32>,
) -> Cut {
    counts.clear();
    counts.resize(256 * CLASSES, 0);
    let (counts, _) = counts.as_chunks_mut::<CLASSES>();
    bytes.for_each(|(byte, label)| counts[usize::from(byte)][usize::from(label) % CLASSES] += 1);
    let all: u32 = totals.iter().sum();
    let mut left = [0_u32; CLASSES];
    let (mut best, mut below, mut left_count) = (Cut::NONE, None, 0);
    for (byte, counts) in (0..=u8::MAX).zip(&*counts) {
        let here: u32 = counts.iter().sum();
        if here == 0 {
            continue;
        }
        if let Some(below) = below {
            let (mut left_squares, mut right_squares) = (0, 0);
            for (&left, &total) in left.iter().zip(totals) {
                left_squares += u64::from(left) * u64::from(left);
                right_squares += u64::from(total - left) * u64::from(total - left);
            }
            let sides = [left_count, all - left_count].map(f64::from);
            best.offer(below, byte, left_squares as f64 / sides[0] + right_squares as f64 / sides[1]);
        }
        left.iter_mut().zip(counts).for_each(|(left, count)| *left += count);
        left_count += here;
        below = Some(byte);
    }
    best
}
