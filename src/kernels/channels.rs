//! Values `[positions, channels]`, channels last, and what is the same for all positions of a channel: how threads
//! share them out (`shaders/common/channels.wgsl`), how sums over positions are divided into partitions, and the CPU
//! path's loops over several positions at a time.

use std::ops::Range;

use super::case::{Case, progress};
use super::{Constants, Progress};

/// The values of a micro-batch, and which of them count.
#[derive(Clone, Copy, Debug)]
pub struct ChannelValues {
    /// Rows of a batch.
    pub batch: usize,
    /// Rows of it at a time.
    pub micro_batch: usize,
    /// Height times width of an image; 1 of features.
    pub positions_per_row: usize,
    pub channels: usize,
}

/// Threads of a workgroup.
pub(super) const THREADS: usize = 256;
/// Positions that a thread takes in one round of a sum.
const ROUND: usize = 4;
/// The fewest rounds: adding up the threads' sums takes as long as a few.
const FEWEST_ROUNDS: usize = 8;
/// About as many partitions as a pass that adds them up has the time for.
const MOST_PARTITIONS: usize = 512;

impl ChannelValues {
    pub fn positions(&self) -> usize {
        self.micro_batch * self.positions_per_row
    }

    pub fn values(&self) -> usize {
        self.positions() * self.channels
    }

    /// The same values where all channels are treated alike: as one channel's.
    pub(super) fn alike(self) -> Self {
        Self { positions_per_row: self.positions_per_row * self.channels, channels: 1, ..self }
    }

    /// Positions of rows that count. Those of the others may hold anything finite.
    pub(super) fn real_positions(&self, progress: Progress) -> usize {
        progress.micro_batch_rows(self.batch, self.micro_batch) * self.positions_per_row
    }

    /// Rounds of a thread over a partition.
    fn rounds(&self) -> usize {
        let round = ROUND * Tile::of(self.channels).lanes;
        self.positions().div_ceil(MOST_PARTITIONS * round).max(FEWEST_ROUNDS)
    }

    /// Positions of a partition; the last may have fewer.
    pub(super) fn partition(&self) -> usize {
        self.rounds() * ROUND * Tile::of(self.channels).lanes
    }

    /// Partitions of a sum over all positions.
    pub fn partitions(&self) -> usize {
        self.positions().div_ceil(self.partition())
    }

    /// The values of one that count, where `real` positions do.
    pub(super) fn of_partition(&self, partition: usize, real: usize) -> Range<usize> {
        let first = (partition * self.partition()).min(real);
        let end = (first + self.partition()).min(real);
        first * self.channels..end * self.channels
    }

    /// Words of two sums a channel in each partition.
    pub(super) fn partials(&self) -> usize {
        self.partitions() * 2 * self.channels
    }

    /// The constants of `shaders/common/positions.wgsl`.
    pub(super) fn position_constants(&self) -> Constants {
        vec![
            ("BATCH", self.batch.into()),
            ("MICRO_BATCH", self.micro_batch.into()),
            ("POSITIONS_PER_ROW", self.positions_per_row.into()),
        ]
    }

    /// Those of `shaders/common/channels.wgsl` and `shaders/common/partitions.wgsl`.
    pub(super) fn partition_constants(&self) -> Constants {
        let own = vec![("PARTITIONS", self.partitions().into()), ("PARTITION", self.partition().into())];
        [Tile::of(self.channels).constants(), own].concat()
    }

    /// Those of a kernel whose workgroups have a partition each, and their workgroups.
    pub(super) fn sum_constants(&self) -> Constants {
        let own = vec![("ROUNDS", self.rounds().into())];
        [self.partition_constants(), self.position_constants(), own].concat()
    }

    pub(super) fn sum_workgroups(&self) -> [usize; 3] {
        [self.partitions(), 1, self.tiles()]
    }

    /// Workgroups side by side that have all channels.
    pub(super) fn tiles(&self) -> usize {
        Tile::of(self.channels).tiles
    }
}

/// What of the values a workgroup has at a time: some neighbouring channels of some positions, its lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    all: usize,
    channels: usize,
    pub lanes: usize,
    /// Workgroups side by side that have all channels.
    pub tiles: usize,
}

impl Tile {
    pub fn of(all: usize) -> Self {
        // As few as leave no more than a quarter of the threads idle: a tile's channels are neighbours in memory.
        let busy = |tiles: &usize| 4 * (THREADS % all.div_ceil(*tiles)) <= THREADS;
        let tiles = (all.div_ceil(THREADS)..=all).find(busy).unwrap_or(all);
        let channels = all.div_ceil(tiles);
        Self { all, channels, lanes: THREADS / channels, tiles }
    }

    /// The constants of `shaders/common/channels.wgsl`.
    pub fn constants(self) -> Constants {
        vec![
            ("CHANNELS", self.all.into()),
            ("CHANNEL_TILE", self.channels.into()),
            ("LANES", self.lanes.into()),
            ("THREADS", THREADS.into()),
        ]
    }
}

/// How many numbers the CPU path's loops go over at a time: all channels of some positions.
pub(super) fn width(channels: usize) -> usize {
    const WIDTH: usize = 1024;
    channels * (WIDTH / channels).max(1)
}

/// Numbers of one task of the CPU path: whole widths.
pub(super) fn task(width: usize) -> usize {
    16_384_usize.next_multiple_of(width)
}

/// A number a channel, again and again.
pub(super) fn widen(of_channels: &[f32], wide: &mut [f32]) {
    wide.chunks_exact_mut(of_channels.len()).for_each(|wide| wide.copy_from_slice(of_channels));
}

/// The sums of the channels' numbers, in order.
pub(super) fn fold(wide: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    for wide in wide.chunks_exact(sums.len()) {
        sums.iter_mut().zip(wide).for_each(|(sum, value)| *sum += value);
    }
}

/// Shapes of micro-batches, and samples of the order that have come with them: some channels and many, positions that
/// fill no workgroup, whole and short last batches, and one without a row.
pub(super) const SHAPES: [(ChannelValues, u32, u32); 11] = [
    (shape(8, 8, 36, 16), 16, 0),
    (shape(5, 5, 49, 10), 10, 0),
    (shape(7, 7, 1, 33), 12, 0),
    (shape(40, 20, 9, 65), 65, 1),
    (shape(40, 20, 9, 3), 61, 1),
    (shape(12, 4, 25, 8), 15, 2),
    (shape(130, 130, 2, 301), 251, 0),
    (shape(1, 1, 4, 1), 2, 0),
    (shape(40, 20, 9, 5), 80, 0),
    // Enough for more rounds than the fewest.
    (shape(9, 9, 12_544, 2), 17, 0),
    // A lane has many partitions.
    (shape(20, 20, 25, 256), 37, 0),
];

const fn shape(batch: usize, micro_batch: usize, positions_per_row: usize, channels: usize) -> ChannelValues {
    ChannelValues { batch, micro_batch, positions_per_row, channels }
}

/// A case's name, its values and its progress.
pub(super) fn shapes() -> impl Iterator<Item = (String, ChannelValues, Vec<u32>)> {
    SHAPES.into_iter().map(|(values, samples, micro_batch)| {
        let label = format!("{values:?}, {samples} samples, micro-batch {micro_batch}");
        (label, values, progress(1, 5, samples, micro_batch))
    })
}

/// The cases that `make` makes of shapes, each by its number, read ahead and not.
pub(super) fn both_ways<Shape: Clone>(
    shapes: impl Iterator<Item = Shape>,
    make: impl Fn(usize, Shape, bool) -> Case,
) -> Vec<Case> {
    let both = |(number, shape): (usize, Shape)| [false, true].map(|ahead| make(number, shape.clone(), ahead));
    let named = |case: Case, ahead: bool| Case { label: format!("{}, read ahead {ahead}", case.label), ..case };
    shapes
        .enumerate()
        .flat_map(both)
        .zip([false, true].into_iter().cycle())
        .map(|(case, ahead)| named(case, ahead))
        .collect()
}
