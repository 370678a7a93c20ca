// Convolution backward, input: the gradient with respect to the input, as one implicit matrix product.
//
// input gradient [rows, CHANNELS] = output gradient under each tap [rows, taps * FILTERS] x kernel^T, where a row is an
// input position. With a stride only every STRIDE-th tap of the kernel ever meets a given input position, so positions
// are taken phase by phase (y % STRIDE_Y, x % STRIDE_X): all rows of a phase meet the same taps.
// The epilogue carries the gradient back through the ReLU and dropout that made the input: where the input is positive
// the unit was active and kept, and its gradient is scaled as its value was; elsewhere it is zero.

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
// 1: the input went through ReLU, then dropout that scaled by SCALE.
const GATED: u32 = 1;
const SCALE: f32 = 1.0;

const THREADS_X: u32 = 8;
const THREADS_Y: u32 = 1;
const THREAD_ROWS: u32 = 8;
const THREAD_COLUMNS: u32 = 1;
const DEPTH_TILE: u32 = 4;
// Neighbouring threads that load one row together; divides both the threads and DEPTH_TILE.
const SHARE: u32 = 4;
const STAGE_COLUMNS: u32 = 0;
// Sums that a tile's products of one output are shared out to; a GPU's fused multiply-add wants one.
const CHAINS: u32 = 2;
// 1: what a thread knows of its place passes through the loop, see `kept`.
const KEEP: u32 = 1;
const GRID_WIDTH: u32 = 1;
// z of the dispatch counts blocks of columns, then phases.
const COLUMN_BLOCKS: u32 = 1;

const POOLED_HEIGHT: u32 = OUTPUT_HEIGHT / POOL;
const POOLED_WIDTH: u32 = OUTPUT_WIDTH / POOL;
// Positions below and right of what any pooled output reaches are not visited: their gradient is zero, and stays so.
const REACHED_HEIGHT: u32 = min(HEIGHT, (POOLED_HEIGHT * POOL - 1) * STRIDE_Y + KERNEL_HEIGHT - PAD_TOP);
const REACHED_WIDTH: u32 = min(WIDTH, (POOLED_WIDTH * POOL - 1) * STRIDE_X + KERNEL_WIDTH - PAD_LEFT);
const PHASE_HEIGHT: u32 = (REACHED_HEIGHT + STRIDE_Y - 1) / STRIDE_Y;
const PHASE_WIDTH: u32 = (REACHED_WIDTH + STRIDE_X - 1) / STRIDE_X;
const ROWS: u32 = BATCH * PHASE_HEIGHT * PHASE_WIDTH;

const THREADS: u32 = THREADS_X * THREADS_Y;
const TILE_ROWS: u32 = THREADS_Y * THREAD_ROWS;
const TILE_COLUMNS: u32 = THREADS_X * THREAD_COLUMNS;
const GRADIENT_TILE: u32 = TILE_ROWS * DEPTH_TILE;
const KERNEL_TILE: u32 = DEPTH_TILE * TILE_COLUMNS;
// Rows that one thread loads, and how far apart they are.
const LOADS: u32 = (TILE_ROWS * SHARE + THREADS - 1) / THREADS;
const LOAD_STEP: u32 = THREADS / SHARE;
const OUTSIDE: u32 = 0xffffffffu;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [BATCH, POOLED_HEIGHT, POOLED_WIDTH, FILTERS]
@group(0) @binding(1) var<storage, read> argmax: array<u32>; // as conv_forward.wgsl packs it
@group(0) @binding(2) var<storage, read> weights: array<f32>; // [KERNEL_HEIGHT, KERNEL_WIDTH, CHANNELS, FILTERS], ...
@group(0) @binding(3) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(4) var<storage, read_write> input_gradient: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]

var<workgroup> gradient_tile: array<f32, GRADIENT_TILE>;
var<workgroup> kernel_tile: array<f32, STAGE_COLUMNS * KERNEL_TILE + 1>;

// The output position of a row under the tap that has no offset, its y out of reach past the last row, and where the
// image's positions start.
fn row_origin(row: u32) -> vec3<u32> {
    let image = row / (PHASE_HEIGHT * PHASE_WIDTH);
    let y = row / PHASE_WIDTH % PHASE_HEIGHT;
    return vec3(select(0x40000000u, y, row < ROWS), row % PHASE_WIDTH, image * POOLED_HEIGHT * POOLED_WIDTH);
}

// Where the output gradient of an output position (before the pool) is: the pooled position, or OUTSIDE, where coordinates
// wrap round; and the place in its window.
fn gradient_source(first_position: u32, y: u32, x: u32) -> vec2<u32> {
    let outside = y >= POOLED_HEIGHT * POOL || x >= POOLED_WIDTH * POOL;
    let position = first_position + y / POOL * POOLED_WIDTH + x / POOL;
    return vec2(select(position, OUTSIDE, outside), y % POOL * POOL + x % POOL);
}

// The output gradient there; zero outside.
fn gradient_value(source: vec2<u32>, filter_index: u32) -> f32 {
    let position = source.x;
    if position == OUTSIDE || (FILTERS % DEPTH_TILE != 0 && filter_index >= FILTERS) {
        return 0.0;
    }
    let gradient = output_gradient[position * FILTERS + filter_index];
    if POOL > 1 {
        let place = argmax[position / PACKED * FILTERS + filter_index] >> (4 * (position % PACKED)) & 15;
        return select(0.0, gradient, place == source.y);
    }
    return gradient;
}

fn kernel_value(tap: u32, channel: u32, filter_index: u32) -> f32 {
    return weights[min(channel, CHANNELS - 1) * FILTERS + tap * CHANNELS * FILTERS + min(filter_index, FILTERS - 1)];
}

// See conv_forward.wgsl.
fn kept(value: u32) -> u32 {
    return select(value, min(value, 0x7fffffffu), KEEP == 1);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) thread: vec3<u32>,
) {
    let first_row = (group.y * GRID_WIDTH + group.x) * TILE_ROWS;
    let first_column = group.z % COLUMN_BLOCKS * TILE_COLUMNS;
    let phase = group.z / COLUMN_BLOCKS;
    let phase_y = phase / STRIDE_X;
    let phase_x = phase % STRIDE_X;
    // Not the built-in index, which lavapipe divides for.
    let index = thread.y * THREADS_X + thread.x;
    var lane = index;
    var thread_column = thread.x;
    var origins: array<vec3<u32>, LOADS>;
    for (var load = 0u; load < LOADS; load++) {
        origins[load] = row_origin(first_row + index / SHARE + load * LOAD_STEP);
    }
    var sums: array<f32, THREAD_ROWS * THREAD_COLUMNS>;

    for (var kernel_y = (phase_y + PAD_TOP) % STRIDE_Y; kernel_y < KERNEL_HEIGHT; kernel_y += STRIDE_Y) {
        let tap_y = (phase_y + PAD_TOP) / STRIDE_Y - kernel_y / STRIDE_Y;
        for (var kernel_x = (phase_x + PAD_LEFT) % STRIDE_X; kernel_x < KERNEL_WIDTH; kernel_x += STRIDE_X) {
            let tap_x = (phase_x + PAD_LEFT) / STRIDE_X - kernel_x / STRIDE_X;
            let tap = kernel_y * KERNEL_WIDTH + kernel_x;
            // With STAGE_COLUMNS found here, once a tap; lavapipe's compiler wants it where it is used.
            var sources: array<vec2<u32>, LOADS>;
            for (var load = 0u; load < LOADS && STAGE_COLUMNS == 1; load++) {
                sources[load] = gradient_source(origins[load].z, origins[load].x + tap_y, origins[load].y + tap_x);
            }
            for (var first_filter = 0u; first_filter < FILTERS; first_filter += DEPTH_TILE) {
                workgroupBarrier();
                for (var part = 0u; part < DEPTH_TILE / SHARE; part++) {
                    let column = part * SHARE + lane % SHARE;
                    for (var load = 0u; load < LOADS; load++) {
                        var source = sources[load];
                        if STAGE_COLUMNS == 0 {
                            let origin = origins[load];
                            source = gradient_source(origin.z, origin.x + tap_y, origin.y + tap_x);
                        }
                        let row = lane / SHARE + load * LOAD_STEP;
                        let value = gradient_value(source, first_filter + column);
                        if TILE_ROWS % LOAD_STEP == 0 || row < TILE_ROWS {
                            gradient_tile[row * DEPTH_TILE + column] = value;
                        }
                    }
                }
                if STAGE_COLUMNS == 1 {
                    // Neighbouring threads read neighbouring filters and write the transpose.
                    for (var part = 0u; part < DEPTH_TILE / SHARE; part++) {
                        let depth = part * SHARE + lane % SHARE;
                        for (var load = 0u; load < (TILE_COLUMNS + LOAD_STEP - 1) / LOAD_STEP; load++) {
                            let column = lane / SHARE + load * LOAD_STEP;
                            let value = kernel_value(tap, first_column + column, first_filter + depth);
                            if TILE_COLUMNS % LOAD_STEP == 0 || column < TILE_COLUMNS {
                                kernel_tile[depth * TILE_COLUMNS + column] = value;
                            }
                        }
                    }
                }
                workgroupBarrier();
                var right: array<f32, DEPTH_TILE * THREAD_COLUMNS>;
                for (var depth = 0u; depth < DEPTH_TILE; depth++) {
                    for (var j = 0u; j < THREAD_COLUMNS; j++) {
                        let column = j * THREADS_X + thread_column;
                        let at = depth * THREAD_COLUMNS + j;
                        if STAGE_COLUMNS == 1 {
                            right[at] = kernel_tile[depth * TILE_COLUMNS + column];
                        } else {
                            right[at] = kernel_value(tap, first_column + column, first_filter + depth);
                        }
                    }
                }
                for (var i = 0u; i < THREAD_ROWS; i++) {
                    // The tile's products add up apart, then join the sum: see ARCHITECTURE.md on exactness.
                    var block: array<f32, CHAINS * THREAD_COLUMNS>;
                    for (var depth = 0u; depth < DEPTH_TILE; depth++) {
                        let left = gradient_tile[(thread.y * THREAD_ROWS + i) * DEPTH_TILE + depth];
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
                    let origin = origins[load];
                    origins[load] = vec3(kept(origin.x), kept(origin.y), kept(origin.z));
                }
            }
        }
    }

    for (var i = 0u; i < THREAD_ROWS; i++) {
        let row = first_row + thread.y * THREAD_ROWS + i;
        let image = row / (PHASE_HEIGHT * PHASE_WIDTH);
        let y = row / PHASE_WIDTH % PHASE_HEIGHT * STRIDE_Y + phase_y;
        let x = row % PHASE_WIDTH * STRIDE_X + phase_x;
        for (var j = 0u; j < THREAD_COLUMNS; j++) {
            let channel = first_column + j * THREADS_X + thread.x;
            if row < ROWS && y < REACHED_HEIGHT && x < REACHED_WIDTH && channel < CHANNELS {
                let at = ((image * HEIGHT + y) * WIDTH + x) * CHANNELS + channel;
                var value = sums[i * THREAD_COLUMNS + j];
                if GATED == 1 {
                    value = select(0.0, value * SCALE, input[at] > 0.0);
                }
                input_gradient[at] = value;
            }
        }
    }
}
