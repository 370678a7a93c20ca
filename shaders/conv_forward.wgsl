// Convolution forward: output = max_pool(relu(input * kernel + bias)), as one implicit matrix product.
//
// Row r of the left matrix [ROWS, DEPTH] is the patch of the input under one output position; it is gathered, never
// stored. The right matrix [DEPTH, FILTERS] is the kernel. With POOL > 1 the positions of one pooling window are
// neighbouring rows, so one thread holds them all and only the largest leaves the registers.
// A dense layer is a 1 x 1 convolution over a 1 x 1 image. Where few outputs have a long sum, it is cut into slots (split-K),
// runs of the depth: each slot writes its own sums, and join.wgsl adds them up in order, then bias and ReLU.

const BATCH: u32 = 2;
const HEIGHT: u32 = 6;
const WIDTH: u32 = 6;
const CHANNELS: u32 = 1;
const KERNEL_HEIGHT: u32 = 3;
const KERNEL_WIDTH: u32 = 3;
const STRIDE_Y: u32 = 1;
const STRIDE_X: u32 = 1;
const PAD_TOP: u32 = 0;
const PAD_LEFT: u32 = 0;
const OUTPUT_HEIGHT: u32 = 4;
const OUTPUT_WIDTH: u32 = 4;
const FILTERS: u32 = 8;
const POOL: u32 = 2;
const RELU: u32 = 1;

// The tile: a workgroup's threads, the products of one thread, and how deep a tile of both matrices is.
const THREADS_X: u32 = 8;
const THREADS_Y: u32 = 1;
const THREAD_ROWS: u32 = 8;
const THREAD_COLUMNS: u32 = 1;
const DEPTH_TILE: u32 = 4;
// Neighbouring threads that load one row's patch together; divides both the threads and DEPTH_TILE.
const SHARE: u32 = 4;
// 1: the kernel's tile goes through workgroup memory too; 0: each thread loads its own column.
const STAGE_COLUMNS: u32 = 0;
// Sums that a tile's products of one output are shared out to; a GPU's fused multiply-add wants one.
const CHAINS: u32 = 2;
// 1: what a thread knows of its place passes through the loop, see `kept`.
const KEEP: u32 = 1;
// Workgroups along x of the dispatch; y goes on where x ends.
const GRID_WIDTH: u32 = 1;
// Slots, the depth of each, whole tiles, and the blocks of columns: z of the dispatch counts both.
const SLOTS: u32 = 1;
const SLOT_DEPTH: u32 = 12;
const COLUMN_BLOCKS: u32 = 1;

const WINDOW: u32 = POOL * POOL;
const POOLED_HEIGHT: u32 = OUTPUT_HEIGHT / POOL;
const POOLED_WIDTH: u32 = OUTPUT_WIDTH / POOL;
const POSITIONS: u32 = BATCH * POOLED_HEIGHT * POOLED_WIDTH;
const ROWS: u32 = POSITIONS * WINDOW;
const DEPTH: u32 = KERNEL_HEIGHT * KERNEL_WIDTH * CHANNELS;
const PADDED: bool = PAD_TOP + PAD_LEFT > 0
    || (OUTPUT_HEIGHT - 1) * STRIDE_Y + KERNEL_HEIGHT > HEIGHT
    || (OUTPUT_WIDTH - 1) * STRIDE_X + KERNEL_WIDTH > WIDTH;

const THREADS: u32 = THREADS_X * THREADS_Y;
const TILE_ROWS: u32 = THREADS_Y * THREAD_ROWS;
const TILE_COLUMNS: u32 = THREADS_X * THREAD_COLUMNS;
// Whether every row of every workgroup that is dispatched is a row of the product.
const EXACT: bool = ROWS % TILE_ROWS == 0 && ROWS / TILE_ROWS % GRID_WIDTH == 0;
// Whether all of a tile's depth is under one tap of the kernel.
const ONE_TAP: bool = CHANNELS % DEPTH_TILE == 0;
const PATCH_TILE: u32 = TILE_ROWS * DEPTH_TILE;
// Rows whose patches one thread loads, and how far apart they are.
const LOADS: u32 = (TILE_ROWS * SHARE + THREADS - 1) / THREADS;
const LOAD_STEP: u32 = THREADS / SHARE;
const KERNEL_TILE: u32 = DEPTH_TILE * TILE_COLUMNS;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [DEPTH, FILTERS], then the bias [FILTERS]
@group(0) @binding(2) var<storage, read_write> output: array<f32>; // [SLOTS, POSITIONS, FILTERS]
// With POOL > 1: [row blocks of a thread, FILTERS], four bits a pooled position, the place of the largest in its window.
@group(0) @binding(3) var<storage, read_write> argmax: array<u32>;

var<workgroup> patch_tile: array<f32, PATCH_TILE>;
var<workgroup> kernel_tile: array<f32, STAGE_COLUMNS * KERNEL_TILE + 1>;

// Where a row's patch starts: its corner's y and x, and the corner's place in the input; all as if the padding were part
// of the image, so that none is negative.
fn patch_corner(row: u32) -> vec3<u32> {
    let position = min(row, ROWS - 1) / WINDOW;
    let place = row % WINDOW;
    let image = position / (POOLED_HEIGHT * POOLED_WIDTH);
    let pooled = position % (POOLED_HEIGHT * POOLED_WIDTH);
    let y = (pooled / POOLED_WIDTH * POOL + place / POOL) * STRIDE_Y;
    let x = (pooled % POOLED_WIDTH * POOL + place % POOL) * STRIDE_X;
    return vec3(y, x, ((image * HEIGHT + y) * WIDTH + x) * CHANNELS);
}

// The value itself. Lavapipe's compiler computes again after each barrier, divisions and all, what depends on the thread
// and the loop does not change; what the loop seems to change it keeps.
fn kept(value: u32) -> u32 {
    return select(value, min(value, 0x7fffffffu), KEEP == 1);
}

// Entry [depth, column] of the right matrix; past its edges some number that meets a zero or is never stored.
fn kernel_value(depth: u32, column: u32) -> f32 {
    return weights[min(depth, DEPTH) * FILTERS + min(column, FILTERS - 1)];
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) thread: vec3<u32>,
) {
    let first_row = (group.y * GRID_WIDTH + group.x) * TILE_ROWS;
    // Of one slot, both must be known when the shader is compiled.
    let slot = select(group.z / COLUMN_BLOCKS, 0u, SLOTS == 1);
    let first_column = select(group.z % COLUMN_BLOCKS, group.z, SLOTS == 1) * TILE_COLUMNS;
    let begin = slot * SLOT_DEPTH;
    let end = min(begin + SLOT_DEPTH, DEPTH);
    // Not the built-in index, which lavapipe divides for.
    let index = thread.y * THREADS_X + thread.x;
    var lane = index;
    var thread_column = thread.x;
    var corners: array<vec3<u32>, LOADS>;
    for (var load = 0u; load < LOADS; load++) {
        corners[load] = patch_corner(first_row + index / SHARE + load * LOAD_STEP);
    }
    var sums: array<f32, THREAD_ROWS * THREAD_COLUMNS>;
    for (var j = 0u; j < THREAD_COLUMNS; j++) {
        let bias = select(0.0, kernel_value(DEPTH, first_column + j * THREADS_X + thread_column), SLOTS == 1);
        for (var i = 0u; i < THREAD_ROWS; i++) {
            sums[i * THREAD_COLUMNS + j] = bias;
        }
    }

    for (var first_depth = begin; first_depth < end; first_depth += DEPTH_TILE) {
        if SLOT_DEPTH > DEPTH_TILE {
            workgroupBarrier();
        }
        for (var part = 0u; part < DEPTH_TILE / SHARE; part++) {
            let within = part * SHARE + lane % SHARE;
            // A tile inside one tap has the same tap for all threads.
            let depth = first_depth + select(within, 0u, ONE_TAP);
            let kernel_y = depth / (KERNEL_WIDTH * CHANNELS);
            let kernel_x = depth / CHANNELS % KERNEL_WIDTH;
            let channel = depth % CHANNELS + select(0u, within, ONE_TAP);
            let offset = ((kernel_y - PAD_TOP) * WIDTH + kernel_x - PAD_LEFT) * CHANNELS + channel;
            for (var load = 0u; load < LOADS; load++) {
                let corner = corners[load];
                let in_image = !PADDED
                    || (corner.x + kernel_y - PAD_TOP < HEIGHT && corner.y + kernel_x - PAD_LEFT < WIDTH);
                let inside = in_image && (DEPTH % DEPTH_TILE == 0 || depth < DEPTH);
                let value = select(0.0, input[select(0u, corner.z + offset, inside)], inside);
                let row = lane / SHARE + load * LOAD_STEP;
                if TILE_ROWS % LOAD_STEP == 0 || row < TILE_ROWS {
                    patch_tile[row * DEPTH_TILE + within] = value;
                }
            }
        }
        if STAGE_COLUMNS == 1 {
            // Each thread loads its own columns, so that their places are found once.
            for (var part = 0u; part < (DEPTH_TILE + THREADS_Y - 1) / THREADS_Y; part++) {
                let depth = part * THREADS_Y + thread.y;
                for (var j = 0u; j < THREAD_COLUMNS; j++) {
                    let column = j * THREADS_X + thread.x;
                    if DEPTH_TILE % THREADS_Y == 0 || depth < DEPTH_TILE {
                        kernel_tile[depth * TILE_COLUMNS + column] = kernel_value(first_depth + depth, first_column + column);
                    }
                }
            }
        }
        workgroupBarrier();
        var right: array<f32, DEPTH_TILE * THREAD_COLUMNS>;
        for (var depth = 0u; depth < DEPTH_TILE; depth++) {
            for (var j = 0u; j < THREAD_COLUMNS; j++) {
                let at = depth * THREAD_COLUMNS + j;
                if STAGE_COLUMNS == 1 {
                    right[at] = kernel_tile[depth * TILE_COLUMNS + j * THREADS_X + thread_column];
                } else {
                    right[at] = kernel_value(first_depth + depth, first_column + j * THREADS_X + thread_column);
                }
            }
        }
        for (var i = 0u; i < THREAD_ROWS; i++) {
            // The tile's products add up apart, then join the sum: see ARCHITECTURE.md on exactness.
            var block: array<f32, CHAINS * THREAD_COLUMNS>;
            for (var depth = 0u; depth < DEPTH_TILE; depth++) {
                let left = patch_tile[(thread.y * THREAD_ROWS + i) * DEPTH_TILE + depth];
                for (var j = 0u; j < THREAD_COLUMNS; j++) {
                    let chain = depth % CHAINS * THREAD_COLUMNS + j;
                    block[chain] = fma(left, right[depth * THREAD_COLUMNS + j], block[chain]);
                }
            }
            for (var j = 0u; j < THREAD_COLUMNS; j++) {
                var total = block[j];
                for (var chain = 1u; chain < CHAINS; chain++) {
                    total += block[chain * THREAD_COLUMNS + j];
                }
                sums[i * THREAD_COLUMNS + j] += total;
            }
        }
        lane = kept(lane);
        thread_column = kept(thread_column);
        for (var load = 0u; load < LOADS; load++) {
            let corner = corners[load];
            corners[load] = vec3(kept(corner.x), kept(corner.y), kept(corner.z));
        }
    }

    let thread_row = first_row + thread.y * THREAD_ROWS;
    for (var j = 0u; j < THREAD_COLUMNS; j++) {
        let column = first_column + j * THREADS_X + thread.x;
        if column < FILTERS {
            var places = 0u;
            for (var i = 0u; i < THREAD_ROWS; i += WINDOW) {
                var largest = sums[i * THREAD_COLUMNS + j];
                var place_of_largest = 0u;
                for (var place = 1u; place < WINDOW; place++) {
                    let candidate = sums[(i + place) * THREAD_COLUMNS + j];
                    if candidate > largest {
                        largest = candidate;
                        place_of_largest = place;
                    }
                }
                var value = largest;
                if RELU == 1 {
                    value = max(value, 0.0);
                }
                let position = (thread_row + i) / WINDOW;
                if EXACT || position < POSITIONS {
                    output[(slot * POSITIONS + position) * FILTERS + column] = value;
                    places |= place_of_largest << (4 * (i / WINDOW));
                }
            }
            if POOL > 1 && (EXACT || thread_row < ROWS) {
                argmax[thread_row / THREAD_ROWS * FILTERS + column] = places;
            }
        }
    }
}
