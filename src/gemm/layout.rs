//! How the threads of a workgroup share a tile of a product's outputs, and the tile that suits a product's extents.

use super::{GemmConfig, GemmKind, GemmProblem};

/// How a workgroup's threads share a tile of the outputs.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// One row of threads with a column each, or a few, for a compiler that vectorises x alone: what all threads load
    /// from A's tile is one scalar then. B is loaded into registers.
    Vector(VectorTile),
    /// A rectangle of threads with several rows and columns each; A and B go through workgroup memory.
    Block(BlockTile),
}

#[derive(Clone, Copy, Debug)]
pub struct VectorTile {
    pub most_threads: usize,
    /// Rows of the tile.
    pub rows: usize,
    /// Columns of a thread, at most.
    pub columns: usize,
    /// Whether products with fewer rows have lower tiles.
    pub fewer_rows: bool,
    pub depth: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct BlockTile {
    /// Those of forward products. The first that suits a product is taken; the last one always does.
    pub forward_tiles: &'static [Tile],
    /// The same of weight gradients.
    pub weight_tiles: &'static [Tile],
    /// The same of input gradients.
    pub input_tiles: &'static [Tile],
    /// Threads along the columns, at the least; a power of two.
    pub least_width: usize,
    /// Neighbouring threads that load neighbouring rows of a weight gradient's A, at the least.
    pub weight_lanes: usize,
}

/// A tile of the outputs that a workgroup of a device can have.
#[derive(Clone, Copy, Debug)]
pub struct Tile {
    /// Threads of the workgroup.
    pub threads: usize,
    /// Threads along the columns, at most; a power of two.
    pub width: usize,
    /// Rows of a thread.
    pub rows: usize,
    /// Columns of a thread.
    pub columns: usize,
    pub depth: usize,
    /// Workgroups that a product must have in this tile, and rows that must fill it; `None` where it always suits.
    pub enough: Option<usize>,
    /// Whether it is for windows of a max-pool alone, with sums that are one tile deep.
    pub short_sums: bool,
}

/// Threads of the largest workgroup that WebGPU promises.
pub(super) const MOST_THREADS: usize = 256;
/// Lanes of the narrowest vector that lavapipe makes of neighbouring threads.
const LANES: usize = 8;

impl Layout {
    /// The threads and the tile of each for a product. A thread's rows are whole windows; there can be `partitions` times as
    /// many workgroups as the outputs alone make.
    pub(super) fn config(&self, problem: &GemmProblem, window_elements: usize, partitions: usize) -> GemmConfig {
        match self {
            Self::Vector(tile) => tile.config(problem.extents(), window_elements),
            Self::Block(tile) => tile.config(problem, window_elements, partitions),
        }
    }

    /// Multiply-adds of a thread between two barriers, but for tiles that are one deeper to divide the sum.
    pub(super) fn unrolled(&self) -> usize {
        match self {
            Self::Vector(tile) => tile.rows * tile.columns * tile.depth,
            Self::Block(block) => {
                let unrolled = |tile: &Tile| tile.rows * tile.columns * tile.depth;
                let tiles = [block.forward_tiles, block.weight_tiles, block.input_tiles];
                tiles.into_iter().flatten().map(unrolled).max().unwrap_or(0)
            }
        }
    }
}

impl VectorTile {
    fn config(&self, [rows, columns, depth]: [usize; 3], window_elements: usize) -> GemmConfig {
        let few = self.fewer_rows && rows < self.rows;
        let width = vector_width(columns).min(self.most_threads);
        GemmConfig {
            threads: [width, 1],
            columns: columns.div_ceil(width).min(self.columns),
            rows: if few { rows.next_multiple_of(window_elements) } else { self.rows },
            depth: unpadded_depth(depth, self.depth),
            ..GemmConfig::PLAIN
        }
    }
}

impl BlockTile {
    fn config(&self, problem: &GemmProblem, window_elements: usize, partitions: usize) -> GemmConfig {
        let tiles = match problem.kind {
            GemmKind::Forward => self.forward_tiles,
            GemmKind::WeightGradient => self.weight_tiles,
            GemmKind::InputGradient => self.input_tiles,
        };
        let extents @ [_, columns, depth] = problem.extents();
        let config = |tile: &Tile| {
            // A workgroup is as wide as the columns, up to the widest.
            let wanted = columns.div_ceil(tile.columns).next_power_of_two().max(self.least_width);
            let width = wanted.min(tile.width);
            GemmConfig {
                threads: [width, tile.threads / width],
                rows: tile.rows.next_multiple_of(window_elements),
                columns: tile.columns,
                depth: unpadded_depth(depth, tile.depth).min(depth),
                stage_b: true,
                ..GemmConfig::PLAIN
            }
        };
        let suits = |tile: &&Tile| tile.suits(&config(tile), extents, window_elements, partitions);
        let (last, _) = tiles.split_last().expect("a class of device has a tile");
        config(tiles.iter().find(suits).unwrap_or(last))
    }
}

impl Tile {
    /// Whether it suits a product, whose configuration it would be.
    fn suits(&self, config: &GemmConfig, [rows, columns, depth]: [usize; 3], window: usize, partitions: usize) -> bool {
        let Some(enough) = self.enough else { return true };
        let short = !self.short_sums || (window > 1 && depth <= self.depth);
        let of_rows = GemmConfig { rows: self.rows, ..*config };
        short && rows >= of_rows.workgroup_rows() && of_rows.workgroups(rows, columns) * partitions >= enough
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
