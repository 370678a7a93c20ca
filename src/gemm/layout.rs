//! How the threads of a workgroup share a tile of a product's outputs, and the tile that suits a product's extents.

use super::GemmConfig;

/// How a workgroup's threads share a tile of the outputs.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// One row of threads with a column each, for a compiler that vectorises x alone: what all threads load from A's
    /// tile is one scalar then. B is loaded into registers.
    Vector(VectorTile),
    /// A rectangle of threads with several rows and columns each; A and B go through workgroup memory.
    Block(BlockTile),
}

#[derive(Clone, Copy, Debug)]
pub struct VectorTile {
    pub most_threads: usize,
    /// Rows of the tile.
    pub rows: usize,
    /// Whether products with fewer rows have lower tiles.
    pub fewer_rows: bool,
    pub depth: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct BlockTile {
    /// Columns of a thread.
    pub columns: usize,
    /// Rows of a thread.
    pub rows: usize,
    /// The same where the product's rows, or the workgroups, are few.
    pub few_rows: usize,
    /// Threads of a large workgroup: the more there are, the less each has to load.
    pub large_threads: usize,
    /// Threads of a small one, where large ones would be few.
    pub small_threads: usize,
    /// Threads along the columns, at the least; a power of two, as the other two.
    pub least_width: usize,
    /// Threads along the columns of a large workgroup, at most.
    pub large_width: usize,
    /// Threads along the columns of a small workgroup, at most.
    pub small_width: usize,
    /// When workgroups are not too few.
    pub enough: Enough,
    /// Rows times depth of a thread's tile: as many multiply-adds between two barriers, whatever the rows.
    pub rows_times_depth: usize,
}

/// Numbers of workgroups that keep a device busy.
#[derive(Clone, Copy, Debug)]
pub struct Enough {
    /// Of large workgroups: fewer are made small.
    pub large: usize,
    /// Of small ones with all rows: where they are fewer, threads have few rows.
    pub small: usize,
}

/// Threads of the largest workgroup that WebGPU promises.
pub(super) const MOST_THREADS: usize = 256;
/// Lanes of the narrowest vector that lavapipe makes of neighbouring threads.
const LANES: usize = 8;

impl Layout {
    /// The threads and the tile of each for outputs and depth of these extents. A thread's rows are whole windows; there can
    /// be `partitions` times as many workgroups as the outputs alone make.
    pub(super) fn config(&self, extents: [usize; 3], window_elements: usize, partitions: usize) -> GemmConfig {
        match self {
            Self::Vector(tile) => tile.config(extents, window_elements),
            Self::Block(tile) => tile.config(extents, window_elements, partitions),
        }
    }

    /// Multiply-adds of a thread between two barriers, but for tiles that are one deeper to divide the sum.
    pub(super) fn unrolled(&self) -> usize {
        match self {
            Self::Vector(tile) => tile.rows * tile.depth,
            Self::Block(tile) => tile.columns * tile.rows_times_depth,
        }
    }
}

impl VectorTile {
    fn config(&self, [rows, columns, depth]: [usize; 3], window_elements: usize) -> GemmConfig {
        let few = self.fewer_rows && rows < self.rows;
        GemmConfig {
            threads: [vector_width(columns).min(self.most_threads), 1],
            rows: if few { rows.next_multiple_of(window_elements) } else { self.rows },
            depth: unpadded_depth(depth, self.depth),
            ..GemmConfig::PLAIN
        }
    }
}

impl BlockTile {
    fn config(&self, extents: [usize; 3], window_elements: usize, partitions: usize) -> GemmConfig {
        let (threads, rows) = self.threads_and_rows(extents, partitions);
        let [_, _, depth] = extents;
        GemmConfig {
            threads,
            rows: rows.next_multiple_of(window_elements),
            columns: self.columns,
            depth: unpadded_depth(depth, self.rows_times_depth / rows).min(depth),
            stage_b: true,
            ..GemmConfig::PLAIN
        }
    }

    /// Threads of a workgroup and rows of a thread. A workgroup is as wide as the columns, up to the widest, and large where
    /// enough such workgroups are left. Else it is small; a thread has fewer rows where the product has few, or where such
    /// workgroups are not enough either.
    fn threads_and_rows(&self, [rows, columns, _]: [usize; 3], partitions: usize) -> ([usize; 2], usize) {
        let wanted = columns.div_ceil(self.columns).next_power_of_two().max(self.least_width);
        let of_width = |threads: usize, width: usize| [width, threads / width];
        let large = of_width(self.large_threads, wanted.min(self.large_width));
        let small = of_width(self.small_threads, wanted.min(self.small_width));
        let suits = |threads: [usize; 2], enough: usize| {
            let tile = GemmConfig { threads, rows: self.rows, columns: self.columns, ..GemmConfig::PLAIN };
            rows >= tile.workgroup_rows() && tile.workgroups(rows, columns) * partitions >= enough
        };
        if suits(large, self.enough.large) {
            (large, self.rows)
        } else if suits(small, self.enough.small) {
            (small, self.rows)
        } else {
            (small, self.few_rows)
        }
    }
}

/// A width of workgroups in whole vectors that leaves the fewest lanes idle; of equals the widest.
fn vector_width(columns: usize) -> usize {
    let idle = |width: usize| columns.next_multiple_of(width) - columns;
    (LANES..=MOST_THREADS).rev().step_by(LANES).min_by_key(|&width| idle(width)).unwrap_or(LANES)
}

/// A depth near `wanted` that divides the sum, so that no tile is padded: the largest divisor from one more than `wanted`
/// down to just above half of it; `wanted` where there is none.
fn unpadded_depth(sum: usize, wanted: usize) -> usize {
    (wanted / 2 + 1..=wanted + 1).rev().find(|depth| sum.is_multiple_of(*depth)).unwrap_or(wanted)
}
