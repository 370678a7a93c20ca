//! Which tile a product gets: a table by the kind of adapter. Another tile is another order of sums, so a run keeps to
//! one column of this table from its first step to its last.

use serde::{Deserialize, Serialize};

use super::{Convolution, Cut, Tile};

/// The columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tiles {
    /// A GPU: square workgroups, both matrices through workgroup memory.
    Gpu,
    /// Lavapipe since Mesa 25.1: one column a thread, since only x is vectorised; the left matrix is then one scalar
    /// load for a whole vector.
    Software,
    /// Lavapipe before 25.1, which takes long to compile large unrolled loops and gains nothing by them.
    OldSoftware,
    /// The CPU path, whose twins tile by themselves: only the packing of argmax and the slots matter.
    Cpu,
}

/// Words of input that a slot should have at most where it is read again and again: what a processor's cache holds.
const CACHED: usize = 1 << 18;
/// A forward product with fewer workgroups leaves much of a large GPU idle.
const WORKGROUPS: usize = 256;
/// What a shorter sum gains by slots, the pass that adds them up takes.
const LONG_SUM: usize = 512;

impl Tiles {
    pub const ALL: [Tiles; 4] = [Tiles::Gpu, Tiles::Software, Tiles::OldSoftware, Tiles::Cpu];

    /// Whether an adapter whose own column is `adapter` can compile this one in a sensible time.
    pub fn compiles_on(self, adapter: Tiles) -> bool {
        adapter != Tiles::OldSoftware || matches!(self, Tiles::OldSoftware | Tiles::Gpu)
    }

    /// Left: rows of positions; right: filters.
    pub fn forward(self, convolution: &Convolution) -> Tile {
        let extents = [convolution.rows(), convolution.filters, convolution.depth()];
        self.tile(extents, convolution.places(), 1)
    }

    /// The forward product in slots, where its outputs alone would leave much of a large GPU idle and its sum is long: as
    /// in a dense layer after convolutions. The tile may then be larger, since slots make workgroups, too.
    pub fn split_forward(self, convolution: &Convolution) -> Option<Cut> {
        let extents @ [rows, columns, depth] = [convolution.rows(), convolution.filters, convolution.depth()];
        let workgroups =
            |tile: &Tile| rows.div_ceil(tile.workgroup_rows()) * columns.div_ceil(tile.workgroup_columns());
        let few = workgroups(&self.forward(convolution)) < WORKGROUPS;
        if self != Tiles::Gpu || convolution.pool > 1 || depth < LONG_SUM || !few {
            return None;
        }
        let most = convolution.most_forward_slots();
        let tile = gpu_tile(extents, 1, gpu(extents, most, [WORKGROUPS, WORKGROUPS / 2]));
        let enough = (WORKGROUPS / workgroups(&tile)).clamp(1, most);
        let even = |slots: &usize| depth.is_multiple_of(slots * tile.depth);
        let slots = (enough / 2 + 1..=enough).rev().find(even).unwrap_or_else(|| tile.forward_slots(depth, enough));
        (slots > 1).then_some(Cut { tile, slots })
    }

    /// Left: channels and taps; right: filters; the depth is counted in pooled positions.
    pub fn weight_gradient(self, convolution: &Convolution) -> Tile {
        let extents = [convolution.depth(), convolution.filters, convolution.positions()];
        let mut tile = self.tile(extents, 1, convolution.most_slots());
        tile.depth = (tile.depth / convolution.places()).max(1);
        tile.share = Tile::patch_share(tile.threads[0] * tile.threads[1], tile.depth * convolution.places());
        tile
    }

    /// Left: rows of input positions; right: channels.
    pub fn input_gradient(self, convolution: &Convolution) -> Tile {
        let [height, width, channels] = convolution.window.input;
        self.tile([convolution.batch * height * width, channels, convolution.filters], 1, 1)
    }

    /// Whether an input gradient is better made patch by patch and folded: where few channels leave a workgroup few
    /// columns, and each would pay for many loads of the left matrix.
    pub fn folds(self, convolution: &Convolution) -> bool {
        let few = convolution.window.input[2] < 128 && convolution.window.size != [1, 1];
        few && self == Tiles::Software
    }

    /// The most rows of a micro-batch: beyond so many it makes nothing faster, and its values between layers leave the
    /// caches and then the largest buffer.
    pub fn micro_batch(self) -> usize {
        if self == Tiles::Gpu { 2048 } else { 512 }
    }

    /// Slots for a weight gradient with that tile, so that every core or compute unit has work.
    pub fn slots(self, convolution: &Convolution, tile: &Tile) -> usize {
        let workgroups = convolution.depth().div_ceil(tile.workgroup_rows())
            * convolution.filters.div_ceil(tile.workgroup_columns());
        // All rows of a slot read the same input, one after the other.
        let again = self == Tiles::Software && convolution.window.size != [1, 1];
        let cached = if again { convolution.inputs() / CACHED } else { 0 };
        let wanted = if self == Tiles::Gpu { 128 } else { 64 };
        let enough = (wanted / workgroups).max(cached).clamp(1, convolution.most_slots());
        // Where all slots are whole tiles, a GPU need not ask at each load whether it is past the end.
        let even = |slots: &usize| self == Tiles::Gpu && convolution.positions().is_multiple_of(slots * tile.depth);
        (enough / 2 + 1..=enough).rev().find(even).unwrap_or(enough)
    }

    /// A product's tile by its extents: rows, columns and depth. A thread's rows are whole windows of `places`; there can
    /// be `slots` times as many workgroups as the outputs alone make.
    fn tile(self, extents: [usize; 3], places: usize, slots: usize) -> Tile {
        let [rows, columns, depth] = extents;
        let (threads, rows, columns, depth) = match self {
            Tiles::Gpu => return gpu_tile(extents, places, gpu(extents, slots, [64, 128])),
            Tiles::Software | Tiles::Cpu => {
                let rows = if rows < 32 { rows.next_multiple_of(places) } else { 32 };
                ([lanes(columns), 1], rows, 1, divisor(depth, 16))
            }
            Tiles::OldSoftware => ([lanes(columns).min(64), 1], 8, 1, divisor(depth, 4)),
        };
        let share = Tile::row_share(threads[0] * threads[1], depth);
        let software = self == Tiles::Software;
        let chains = if software { 4 } else { 1 };
        Tile { threads, rows, columns, depth, share, stage_columns: false, chains, keep: software }
    }
}

/// Columns of a GPU's thread, one load of 16 bytes from workgroup memory or four of four.
const GPU_COLUMNS: usize = 4;

/// A GPU's tile with these threads and rows of a thread.
fn gpu_tile([_, _, depth]: [usize; 3], places: usize, (threads, rows): ([usize; 2], usize)) -> Tile {
    // As many products between two barriers, whatever the rows.
    let depth = divisor(depth, 64 / rows).min(depth);
    let share = Tile::row_share(threads[0] * threads[1], depth);
    let (rows, columns) = (rows.next_multiple_of(places), GPU_COLUMNS);
    Tile { threads, rows, columns, depth, share, stage_columns: true, chains: 1, keep: false }
}

/// Threads of a GPU's workgroup and rows of a thread. A workgroup is as wide as the columns, up to 64 of them, and has 256
/// threads where `enough` such workgroups are left, since more threads load less each. Else it has 64 threads; a thread
/// has 4 rows, or 2 where the rows are few or such workgroups not `enough`.
fn gpu([rows, columns, _]: [usize; 3], slots: usize, enough: [usize; 2]) -> ([usize; 2], usize) {
    let width = columns.div_ceil(GPU_COLUMNS).next_power_of_two().clamp(4, 16);
    let workgroups = |[x, y]: [usize; 2]| rows.div_ceil(4 * y) * columns.div_ceil(GPU_COLUMNS * x) * slots;
    let [large, small] = [[width, 256 / width], [width.min(8), 64 / width.min(8)]];
    if rows >= 4 * large[1] && workgroups(large) >= enough[0] {
        return (large, 4);
    }
    (small, if rows >= 4 * small[1] && workgroups(small) >= enough[1] { 4 } else { 2 })
}

/// A width of workgroups, at most 256 and a multiple of 8, that leaves the fewest lanes idle; of equals the widest.
fn lanes(columns: usize) -> usize {
    let idle = |width: usize| columns.next_multiple_of(width) - columns;
    (8..=256).rev().step_by(8).min_by_key(|&width| idle(width)).unwrap_or(8)
}

/// The largest divisor of `depth` from one more than `limit` down to half of it, so that no tile is padded; else `limit`.
fn divisor(depth: usize, limit: usize) -> usize {
    (limit / 2 + 1..=limit + 1).rev().find(|candidate| depth.is_multiple_of(*candidate)).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::super::product::{Kind, Product};
    use super::*;

    /// Threads of a workgroup, rows of a thread, depth of a tile, and slots.
    fn split(rows: usize, inputs: usize, units: usize) -> Option<(usize, usize, usize, usize)> {
        let convolution = Convolution::dense(rows, inputs, units);
        let cut = Tiles::Gpu.split_forward(&convolution)?;
        assert_eq!(
            Product { kind: Kind::Forward, convolution }.broken_rule(&cut),
            None,
            "{rows} x {inputs} -> {units}"
        );
        assert!(cut.slots <= convolution.most_forward_slots());
        let Tile { threads, rows, depth, .. } = cut.tile;
        Some((threads[0] * threads[1], rows, depth, cut.slots))
    }

    #[test]
    fn long_sums_with_few_outputs_are_split_on_a_gpu() {
        // The dense layers of cnn1 and cnn2.
        assert_eq!(split(512, 5408, 128), Some((256, 4, 16, 13)));
        assert_eq!(split(2048, 5408, 128), Some((256, 4, 16, 4)));
        assert_eq!(split(16, 5408, 128), Some((64, 2, 32, 34)));
        assert_eq!(split(512, 576, 128), Some((64, 4, 16, 4)));
        assert_eq!(split(2048, 576, 128), Some((256, 4, 16, 4)));
        // Short sums, and enough outputs.
        assert_eq!(split(512, 256, 128), None);
        assert_eq!(split(2048, 5408, 2048), None);
        let convolution = Convolution::dense(512, 5408, 128);
        assert_eq!(Tiles::Gpu.split_forward(&Convolution { pool: 2, ..convolution }), None);
        for tiles in [Tiles::Software, Tiles::OldSoftware, Tiles::Cpu] {
            assert_eq!(tiles.split_forward(&convolution), None, "{tiles:?}");
        }
    }

    #[test]
    fn no_slot_is_empty() {
        for depth in 512..1100 {
            for rows in [1, 40, 512] {
                split(rows, depth, 24).unwrap();
            }
        }
    }
}
