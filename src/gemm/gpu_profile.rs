//! The profile of GPUs: today's, and earlier revisions, which runs that began with them keep to.

use super::layout::{BlockTile, Layout, MOST_THREADS, Tile};
use super::profile::{DeviceProfile, SplitForward};

/// By their number; the last one is today's.
pub(super) const REVISIONS: [DeviceProfile; 4] = [GPU_0, GPU_1, GPU_2, GPU];

/// 64 x 64 outputs, 8 x 4 of a thread: three words from workgroup memory for eight multiply-adds; 4 x 4 take four.
const LARGE: Tile =
    Tile { threads: 128, width: 16, rows: 8, columns: 4, depth: 16, enough: Some(128), short_sums: false };
/// 32 x 64 outputs, as many of a thread, where the larger would leave the last round of a large device's units half idle.
const WIDE: Tile = Tile { threads: 64, enough: Some(256), ..LARGE };
/// 32 x 32 outputs, where large tiles would be few.
const SMALL: Tile =
    Tile { threads: 64, width: 8, rows: 4, columns: 4, depth: 32, enough: Some(128), short_sums: false };
/// The same of an input gradient, which has more addresses to keep: AMD's compiler would spill them.
const SHALLOW: Tile = Tile { depth: 16, ..SMALL };
/// 16 x 32 outputs, where those would be few, too.
const LOW: Tile = Tile { rows: 2, enough: None, ..SMALL };
/// Whole windows of a max-pool in a thread, as many as may be: the more, the fewer words has argmax, and a first
/// convolution waits for memory alone.
const TALL: Tile = Tile { rows: 16, columns: 2, short_sums: true, ..LARGE };

const BLOCK: BlockTile = BlockTile {
    forward_tiles: &[TALL, Tile { enough: Some(1024), ..LARGE }, WIDE, SMALL, LOW],
    weight_tiles: &[TALL, LARGE, SMALL, LOW],
    input_tiles: &[LARGE, SHALLOW, LOW],
    least_width: 4,
    weight_lanes: 16,
};

const SPLIT: SplitForward = SplitForward {
    workgroups: 512,
    // Two workgroups of 128 for each compute unit of the largest cards.
    threads: 1 << 15,
    even: false,
    least_sum: 512,
    tiles: &[Tile { enough: Some(256), ..LARGE }, SMALL, LOW],
};

const GPU: DeviceProfile = DeviceProfile {
    revision: 3,
    layout: Layout::Block(BLOCK),
    accumulators: 1,
    loop_carry: false,
    most_unrolled: usize::MAX,
    least_partition: 64,
    // Three for each compute unit of the largest card: what one waits for memory, another computes.
    weight_gradient_workgroups: 384,
    even_partitions: true,
    cached_inputs: None,
    split_forward: Some(SPLIT),
    gather_workgroups: Some(264),
    col2im_channels: 0,
    read_ahead: true,
    winograd: false,
    micro_batch: 2048,
};

const SPLIT_2: SplitForward = SplitForward { threads: usize::MAX, even: true, ..SPLIT };

/// As it was when a GPU had been at hand for the last time.
const GPU_2: DeviceProfile = DeviceProfile {
    revision: 2,
    layout: Layout::Block(BlockTile { forward_tiles: BLOCK.weight_tiles, ..BLOCK }),
    split_forward: Some(SPLIT_2),
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

const OLD_SPLIT: SplitForward = SplitForward { tiles: &SPLIT_TILES, ..SPLIT_2 };

const TILES_1: [Tile; 3] = old_tiles(128, 256);
const TILES_0: [Tile; 3] = old_tiles(64, 128);
const SPLIT_TILES: [Tile; 3] = old_tiles(256, 128);
