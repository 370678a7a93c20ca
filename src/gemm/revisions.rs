//! Earlier revisions of a GPU's profile, which runs that began with them keep to.

use super::layout::{BlockTile, Layout, MOST_THREADS, Tile};
use super::profile::{DeviceProfile, GPU, LARGE, LOW, SHALLOW, SMALL, SplitForward, TALL};

/// By their number.
pub(super) const EARLIER: [DeviceProfile; 3] = [GPU_0, GPU_1, GPU_2];

/// As it was when a GPU had been at hand for the last time.
const GPU_2: DeviceProfile = DeviceProfile {
    revision: 2,
    layout: Layout::Block(BlockTile {
        forward_tiles: &[TALL, LARGE, SMALL, LOW],
        weight_tiles: &[TALL, LARGE, SMALL, LOW],
        input_tiles: &[LARGE, SHALLOW, LOW],
        least_width: 4,
        weight_lanes: 16,
    }),
    split_forward: Some(SplitForward {
        workgroups: 512,
        threads: usize::MAX,
        even: true,
        least_sum: 512,
        tiles: &[Tile { enough: Some(256), ..LARGE }, SMALL, LOW],
    }),
    ..GPU
};

/// As it was when a GPU had been at hand for an hour.
const GPU_1: DeviceProfile =
    DeviceProfile { revision: 1, layout: old_layout(&TILES_1), split_forward: Some(OLD_SPLIT), ..GPU_2 };

/// As it was before a GPU was at hand.
const GPU_0: DeviceProfile = DeviceProfile {
    revision: 0,
    layout: old_layout(&TILES_0),
    least_partition: 128,
    weight_gradient_workgroups: 128,
    split_forward: Some(SplitForward { workgroups: 256, ..OLD_SPLIT }),
    gather_workgroups: None,
    ..GPU_1
};

/// 64 x 64 outputs, 4 x 4 of a thread; 32 x 32; and 16 x 32.
const fn old_tiles(large: usize, small: usize) -> [Tile; 3] {
    let tile = Tile { threads: MOST_THREADS, rows: 4, enough: Some(large), ..LARGE };
    let small = Tile { threads: 64, width: 8, enough: Some(small), ..tile };
    [tile, small, LOW]
}

const fn old_layout(tiles: &'static [Tile]) -> Layout {
    Layout::Block(BlockTile {
        forward_tiles: tiles,
        weight_tiles: tiles,
        input_tiles: tiles,
        least_width: 4,
        weight_lanes: 1,
    })
}

const OLD_SPLIT: SplitForward =
    SplitForward { workgroups: 512, threads: usize::MAX, even: true, least_sum: 512, tiles: &SPLIT_TILES };

const TILES_1: [Tile; 3] = old_tiles(128, 256);
const TILES_0: [Tile; 3] = old_tiles(64, 128);
const SPLIT_TILES: [Tile; 3] = old_tiles(256, 128);
