// Convolution backward, weights: gradient of kernel and bias, as one implicit matrix product.
//
// kernel gradient [DEPTH, FILTERS] = patches^T [DEPTH, rows] x output gradient [rows, FILTERS], where row r is an output
// position, numbered as in conv_forward.wgsl. The long sum over positions is cut into slots; each slot writes its own
// partial sums and adam.wgsl adds the slots up in order, so that the result never depends on timing.
// With POOL > 1 a position's gradient belongs to the place of the largest in its window; the others get none.

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
// Pooled positions in one word of argmax.
const PACKED: u32 = 2;

// The tile; DEPTH_TILE counts pooled positions here, the sum's direction.
const THREADS_X: u32 = 8;
const THREADS_Y: u32 = 1;
const THREAD_ROWS: u32 = 9;
const THREAD_COLUMNS: u32 = 1;
const DEPTH_TILE: u32 = 2;
// Neighbouring threads that load one position's patch together; divides the threads.
const SHARE: u32 = 2;
const STAGE_COLUMNS: u32 = 0;
// Sums that a tile's products of one output are shared out to; a GPU's fused multiply-add wants one.
const CHAINS: u32 = 2;
// 1: what a thread knows of its place passes through the loop, see `kept`.
const KEEP: u32 = 1;
const GRID_WIDTH: u32 = 1;
// Slots, the positions of each, and the blocks of columns: z of the dispatch counts both.
const SLOT_POSITIONS: u32 = 8;
const COLUMN_BLOCKS: u32 = 1;

const WINDOW: u32 = POOL * POOL;
const POOLED_HEIGHT: u32 = OUTPUT_HEIGHT / POOL;
const POOLED_WIDTH: u32 = OUTPUT_WIDTH / POOL;
const POSITIONS: u32 = BATCH * POOLED_HEIGHT * POOLED_WIDTH;
const DEPTH: u32 = KERNEL_HEIGHT * KERNEL_WIDTH * CHANNELS;
const PADDED: bool = PAD_TOP + PAD_LEFT > 0
    || (OUTPUT_HEIGHT - 1) * STRIDE_Y + KERNEL_HEIGHT > HEIGHT
    || (OUTPUT_WIDTH - 1) * STRIDE_X + KERNEL_WIDTH > WIDTH;

// Whether some tile reaches past the end of its slot.
const UNEVEN: bool = SLOT_POSITIONS % DEPTH_TILE != 0 || POSITIONS % SLOT_POSITIONS != 0;

const THREADS: u32 = THREADS_X * THREADS_Y;
const TILE_ROWS: u32 = THREADS_Y * THREAD_ROWS;
const TILE_COLUMNS: u32 = THREADS_X * THREAD_COLUMNS;
// Whether every row of every workgroup that is dispatched is a row of the product.
const EXACT: bool = DEPTH % TILE_ROWS == 0 && DEPTH / TILE_ROWS % GRID_WIDTH == 0;
const PATCHES: u32 = DEPTH_TILE * WINDOW;
// Taps of a patch that one thread loads.
const LOADS: u32 = (TILE_ROWS + SHARE - 1) / SHARE;
const LOAD_STEP: u32 = THREADS / SHARE;
// With STAGE_COLUMNS: the columns of the gradient that a thread loads, always the same; how many threads load a row; and
// how many rows are loaded at a time, each of which leaves a row of the bias.
const LOAD_COLUMNS: u32 = 1 + (THREAD_COLUMNS - 1) * min(THREADS_Y % THREAD_COLUMNS, 1);
const LOAD_WIDTH: u32 = TILE_COLUMNS / LOAD_COLUMNS;
const LOAD_ROWS: u32 = THREADS / LOAD_WIDTH;
const GRADIENT_TILE: u32 = max(PATCHES, THREADS_Y) * TILE_COLUMNS;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> output_gradient: array<f32>; // [POSITIONS, FILTERS]
@group(0) @binding(2) var<storage, read> argmax: array<u32>; // as conv_forward.wgsl packs it
@group(0) @binding(3) var<storage, read_write> weight_gradient: array<f32>; // [slots, DEPTH + 1, FILTERS]

var<workgroup> patch_tile: array<f32, PATCHES * TILE_ROWS>;
var<workgroup> gradient_tile: array<f32, STAGE_COLUMNS * GRADIENT_TILE + 1>;

// Where the patch of one place of a pooled position's window starts: as in conv_forward.wgsl.
fn patch_corner(position: u32, place: u32) -> vec3<u32> {
    let image = position / (POOLED_HEIGHT * POOLED_WIDTH);
    let pooled = position % (POOLED_HEIGHT * POOLED_WIDTH);
    let y = (pooled / POOLED_WIDTH * POOL + place / POOL) * STRIDE_Y;
    let x = (pooled % POOLED_WIDTH * POOL + place % POOL) * STRIDE_X;
    return vec3(y, x, ((image * HEIGHT + y) * WIDTH + x) * CHANNELS);
}

// A tap of the kernel: its y, its x, and how far its input is from the patch's corner.
fn kernel_tap(row: u32) -> vec3<u32> {
    let depth = min(row, DEPTH - 1);
    let y = depth / (KERNEL_WIDTH * CHANNELS);
    let x = depth / CHANNELS % KERNEL_WIDTH;
    return vec3(y, x, (y * WIDTH + x) * CHANNELS + depth % CHANNELS);
}

// See conv_forward.wgsl.
fn kept(value: u32) -> u32 {
    return select(value, min(value, 0x7fffffffu), KEEP == 1);
}

fn gradient_value(position: u32, end: u32, column: u32) -> f32 {
    if UNEVEN && position >= end {
        return 0.0;
    }
    return output_gradient[position * FILTERS + min(column, FILTERS - 1)];
}

fn place_of_largest(position: u32, column: u32) -> u32 {
    let clamped = select(position, min(position, POSITIONS - 1), UNEVEN);
    return argmax[clamped / PACKED * FILTERS + min(column, FILTERS - 1)] >> (4 * (clamped % PACKED)) & 15;
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) thread: vec3<u32>,
) {
    let first_row = (group.y * GRID_WIDTH + group.x) * TILE_ROWS;
    let first_column = group.z % COLUMN_BLOCKS * TILE_COLUMNS;
    let slot = group.z / COLUMN_BLOCKS;
    let begin = slot * SLOT_POSITIONS;
    let end = min(begin + SLOT_POSITIONS, POSITIONS);
    // Not the built-in index, which lavapipe divides for.
    let index = thread.y * THREADS_X + thread.x;
    var lane = index;
    var thread_column = thread.x;
    var taps: array<vec3<u32>, LOADS>;
    for (var load = 0u; load < LOADS; load++) {
        taps[load] = kernel_tap(first_row + index % SHARE + load * SHARE);
    }
    var sums: array<f32, THREAD_ROWS * THREAD_COLUMNS>;
    var bias_sums: array<f32, THREAD_COLUMNS>;

    for (var first_position = begin; first_position < end; first_position += DEPTH_TILE) {
        workgroupBarrier();
        for (var part = 0u; part < (PATCHES + LOAD_STEP - 1) / LOAD_STEP; part++) {
            let member = part * LOAD_STEP + lane / SHARE;
            let corner = patch_corner(min(first_position + member / WINDOW, POSITIONS - 1), member % WINDOW);
            for (var load = 0u; load < LOADS; load++) {
                let tap = taps[load];
                let y = corner.x + tap.x - PAD_TOP;
                let x = corner.y + tap.y - PAD_LEFT;
                let inside = !PADDED || (y < HEIGHT && x < WIDTH);
                let at = corner.z + tap.z - (PAD_TOP * WIDTH + PAD_LEFT) * CHANNELS;
                let value = select(0.0, input[select(0u, at, inside)], inside);
                let row = lane % SHARE + load * SHARE;
                if (TILE_ROWS % SHARE == 0 || row < TILE_ROWS) && (PATCHES % LOAD_STEP == 0 || member < PATCHES) {
                    patch_tile[member * TILE_ROWS + row] = value;
                }
            }
        }
        if STAGE_COLUMNS == 1 {
            for (var part = 0u; part < (DEPTH_TILE + LOAD_ROWS - 1) / LOAD_ROWS; part++) {
                let step = part * LOAD_ROWS + lane / LOAD_WIDTH;
                for (var load = 0u; load < LOAD_COLUMNS && (DEPTH_TILE % LOAD_ROWS == 0 || step < DEPTH_TILE); load++) {
                    let column = load * LOAD_WIDTH + lane % LOAD_WIDTH;
                    let gradient = gradient_value(first_position + step, end, first_column + column);
                    var winner = 0u;
                    if POOL > 1 {
                        winner = place_of_largest(first_position + step, first_column + column);
                    }
                    bias_sums[load] += gradient;
                    for (var place = 0u; place < WINDOW; place++) {
                        let share = select(0.0, gradient, winner == place);
                        gradient_tile[(step * WINDOW + place) * TILE_COLUMNS + column] = share;
                    }
                }
            }
        }
        workgroupBarrier();
        // The gradient of every place: the largest's is the position's, the others' is zero.
        var right: array<f32, PATCHES * THREAD_COLUMNS>;
        if STAGE_COLUMNS == 1 {
            for (var member = 0u; member < PATCHES; member++) {
                for (var j = 0u; j < THREAD_COLUMNS; j++) {
                    right[member * THREAD_COLUMNS + j] = gradient_tile[member * TILE_COLUMNS + j * THREADS_X + thread_column];
                }
            }
        } else {
            for (var step = 0u; step < DEPTH_TILE; step++) {
                for (var j = 0u; j < THREAD_COLUMNS; j++) {
                    let column = first_column + j * THREADS_X + thread_column;
                    let gradient = gradient_value(first_position + step, end, column);
                    var winner = 0u;
                    if POOL > 1 {
                        winner = place_of_largest(first_position + step, column);
                    }
                    bias_sums[j] += gradient;
                    for (var place = 0u; place < WINDOW; place++) {
                        let share = select(0.0, gradient, POOL == 1 || winner == place);
                        right[(step * WINDOW + place) * THREAD_COLUMNS + j] = share;
                    }
                }
            }
        }
        for (var i = 0u; i < THREAD_ROWS; i++) {
            // The tile's products add up apart, then join the sum: see ARCHITECTURE.md on exactness.
            var block: array<f32, CHAINS * THREAD_COLUMNS>;
            for (var member = 0u; member < PATCHES; member++) {
                let left = patch_tile[member * TILE_ROWS + thread.y * THREAD_ROWS + i];
                for (var j = 0u; j < THREAD_COLUMNS; j++) {
                    let chain = member % CHAINS * THREAD_COLUMNS + j;
                    block[chain] = fma(left, right[member * THREAD_COLUMNS + j], block[chain]);
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
            let tap = taps[load];
            taps[load] = vec3(kept(tap.x), kept(tap.y), kept(tap.z));
        }
    }

    let slot_start = slot * (DEPTH + 1);
    for (var j = 0u; j < THREAD_COLUMNS; j++) {
        let column = first_column + j * THREADS_X + thread.x;
        if column < FILTERS {
            for (var i = 0u; i < THREAD_ROWS; i++) {
                let row = first_row + thread.y * THREAD_ROWS + i;
                if EXACT || row < DEPTH {
                    weight_gradient[(slot_start + row) * FILTERS + column] = sums[i * THREAD_COLUMNS + j];
                }
            }
            if STAGE_COLUMNS == 0 && first_row + thread.y == 0 {
                weight_gradient[(slot_start + DEPTH) * FILTERS + column] = bias_sums[j];
            }
        }
    }
    if STAGE_COLUMNS == 1 && first_row == 0 {
        // Each thread has added up the columns that it loaded.
        workgroupBarrier();
        for (var load = 0u; load < LOAD_COLUMNS; load++) {
            gradient_tile[index / LOAD_WIDTH * TILE_COLUMNS + load * LOAD_WIDTH + index % LOAD_WIDTH] = bias_sums[load];
        }
        workgroupBarrier();
        for (var column = index; column < TILE_COLUMNS; column += THREADS) {
            var total = 0.0;
            for (var row = 0u; row < LOAD_ROWS; row++) {
                total += gradient_tile[row * TILE_COLUMNS + column];
            }
            if first_column + column < FILTERS {
                weight_gradient[(slot_start + DEPTH) * FILTERS + first_column + column] = total;
            }
        }
    }
}
