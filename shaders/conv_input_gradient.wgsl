// Convolution backward, input: the gradient with respect to the input, as one implicit matrix product. With the parts
// convolution, argmax, tiles, gemm, row_tiles and relu_mask.
//
// input gradient [rows, CHANNELS] = output gradient under each tap [rows, taps * FILTERS] x kernel^T, where a row is an
// input position. With a stride only every STRIDE-th tap of the kernel ever meets a given input position, so positions
// are taken phase by phase (y % STRIDE_Y, x % STRIDE_X): all rows of a phase meet the same taps.
// The epilogue carries the gradient back through the ReLU and dropout that made the input.

// Positions below and right of what any pooled output reaches are not visited: their gradient is zero, and stays so.
const REACHED_HEIGHT: u32 = min(HEIGHT, (POOLED_HEIGHT * POOL - 1) * STRIDE_Y + KERNEL_HEIGHT - PAD_TOP);
const REACHED_WIDTH: u32 = min(WIDTH, (POOLED_WIDTH * POOL - 1) * STRIDE_X + KERNEL_WIDTH - PAD_LEFT);
const PHASE_HEIGHT: u32 = (REACHED_HEIGHT + STRIDE_Y - 1) / STRIDE_Y;
const PHASE_WIDTH: u32 = (REACHED_WIDTH + STRIDE_X - 1) / STRIDE_X;
const ROWS: u32 = BATCH * PHASE_HEIGHT * PHASE_WIDTH;
// Whether every row of every workgroup that is dispatched is a row of the product, and all phases are equal.
const EVEN_PHASES: bool = REACHED_HEIGHT % STRIDE_Y == 0 && REACHED_WIDTH % STRIDE_X == 0;
const EXACT: bool = EVEN_PHASES && ROWS % TILE_ROWS == 0 && ROWS / TILE_ROWS % GRID_WIDTH == 0;

// The kernel is stored transposed, as A is.
const B_ROW_STEP: u32 = TILE_COLUMNS + APART;

// The address of what is outside of the output.
const OUTSIDE: u32 = 0xffffffffu;
// A y that is outside of the output under every tap: outputs are lower than 2^29, and taps move it by less.
const OUT_OF_REACH: u32 = 0x40000000u;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [BATCH, POOLED_HEIGHT, POOLED_WIDTH, FILTERS]
@group(0) @binding(1) var<storage, read> argmax: array<u32>; // as argmax.wgsl packs it
@group(0) @binding(2) var<storage, read> weights: array<f32>; // [KERNEL_HEIGHT, KERNEL_WIDTH, CHANNELS, FILTERS], ...
@group(0) @binding(3) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(4) var<storage, read_write> input_gradient: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]

// The output position of a row under the tap that has no offset, its y out of reach past the last row, and where the
// image's positions start.
fn row_origin(row: u32) -> vec3<u32> {
    let image = row / (PHASE_HEIGHT * PHASE_WIDTH);
    let y = row / PHASE_WIDTH % PHASE_HEIGHT;
    return vec3(select(OUT_OF_REACH, y, row < ROWS), row % PHASE_WIDTH, image * POOLED_HEIGHT * POOLED_WIDTH);
}

// Where the output gradient of an output position (before the pool) is: the pooled position, or OUTSIDE, where coordinates
// wrap round; and the element of its window.
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
        let winner = winner_at(position, filter_index);
        return select(0.0, gradient, winner == source.y);
    }
    return gradient;
}

fn kernel_value(tap: u32, channel: u32, filter_index: u32) -> f32 {
    return weights[min(channel, CHANNELS - 1) * FILTERS + tap * CHANNELS * FILTERS + min(filter_index, FILTERS - 1)];
}

@compute @workgroup_size(WORKGROUP_X, WORKGROUP_Y)
fn main(@builtin(workgroup_id) group: vec3<u32>, invocation: Invocation) {
    let first_row = (group.y * GRID_WIDTH + group.x) * TILE_ROWS;
    let first_column = group.z % COLUMN_BLOCKS * TILE_COLUMNS;
    let phase = group.z / COLUMN_BLOCKS;
    let phase_y = phase / STRIDE_X;
    let phase_x = phase % STRIDE_X;
    let thread = thread_of(invocation);
    let index = thread_index(thread);
    var lane = index;
    let place = output_place(thread);
    var own_column = place.x * THREAD_COLUMNS;
    var origins: array<vec3<u32>, ROWS_PER_THREAD>;
    for (var load = 0u; load < ROWS_PER_THREAD; load++) {
        origins[load] = row_origin(first_row + index / THREADS_PER_ROW + load * ROW_STRIDE);
    }
    var sums: Sums;

    for (var kernel_y = (phase_y + PAD_TOP) % STRIDE_Y; kernel_y < KERNEL_HEIGHT; kernel_y += STRIDE_Y) {
        let tap_y = (phase_y + PAD_TOP) / STRIDE_Y - kernel_y / STRIDE_Y;
        for (var kernel_x = (phase_x + PAD_LEFT) % STRIDE_X; kernel_x < KERNEL_WIDTH; kernel_x += STRIDE_X) {
            let tap_x = (phase_x + PAD_LEFT) / STRIDE_X - kernel_x / STRIDE_X;
            let tap = kernel_y * KERNEL_WIDTH + kernel_x;
            // With STAGE_B found here, once a tap; lavapipe's compiler wants it where it is used.
            var sources: array<vec2<u32>, ROWS_PER_THREAD>;
            for (var load = 0u; load < ROWS_PER_THREAD && STAGE_B == 1; load++) {
                sources[load] = gradient_source(origins[load].z, origins[load].x + tap_y, origins[load].y + tap_x);
            }
            for (var first_filter = 0u; first_filter < FILTERS; ) {
                workgroupBarrier();
                for (var part = 0u; part < DEPTH_TILE / THREADS_PER_ROW; part++) {
                    let column = part * THREADS_PER_ROW + lane % THREADS_PER_ROW;
                    for (var load = 0u; load < ROWS_PER_THREAD; load++) {
                        var source = sources[load];
                        if STAGE_B == 0 {
                            let origin = origins[load];
                            source = gradient_source(origin.z, origin.x + tap_y, origin.y + tap_x);
                        }
                        let row = lane / THREADS_PER_ROW + load * ROW_STRIDE;
                        let value = gradient_value(source, first_filter + column);
                        if TILE_ROWS % ROW_STRIDE == 0 || row < TILE_ROWS {
                            a_tile[row * A_ROW_STEP + column * A_DEPTH_STEP] = staged(value);
                        }
                    }
                }
                if STAGE_B == 1 {
                    // Neighbouring threads read neighbouring filters and write the transpose.
                    for (var part = 0u; part < DEPTH_TILE / THREADS_PER_ROW; part++) {
                        let depth = part * THREADS_PER_ROW + lane % THREADS_PER_ROW;
                        for (var load = 0u; load < (TILE_COLUMNS + ROW_STRIDE - 1) / ROW_STRIDE; load++) {
                            let column = lane / THREADS_PER_ROW + load * ROW_STRIDE;
                            let value = kernel_value(tap, first_column + column, first_filter + depth);
                            if TILE_COLUMNS % ROW_STRIDE == 0 || column < TILE_COLUMNS {
                                b_tile[depth * B_ROW_STEP + column] = staged(value);
                            }
                        }
                    }
                }
                workgroupBarrier();
                var b: OwnColumns;
                for (var depth = 0u; depth < DEPTH_TILE && STAGE_B == 0; depth++) {
                    for (var j = 0u; j < THREAD_COLUMNS; j++) {
                        let value = kernel_value(tap, first_column + own_column + j, first_filter + depth);
                        b[depth * THREAD_COLUMNS + j] = value;
                    }
                }
                multiply_tile(place.y * THREAD_ROWS, own_column, &b, &sums);
                for (var load = 0u; load < ROWS_PER_THREAD; load++) {
                    let origin = origins[load];
                    origins[load] = vec3(loop_carried(origin.x), loop_carried(origin.y), loop_carried(origin.z));
                }
                lane = loop_carried(lane);
                own_column = loop_carried(own_column);
                // Two rounds would be unrolled, and their code leave the instruction cache.
                first_filter = loop_carried(first_filter + DEPTH_TILE);
            }
        }
    }

    add_fragments(place, &sums);
    for (var j = 0u; j < THREAD_COLUMNS; j++) {
        let channel = first_column + place.x * THREAD_COLUMNS + j;
        if channel < CHANNELS {
            for (var i = 0u; i < THREAD_ROWS; i++) {
                let row = first_row + place.y * THREAD_ROWS + i;
                let image = row / (PHASE_HEIGHT * PHASE_WIDTH);
                let y = row / PHASE_WIDTH % PHASE_HEIGHT * STRIDE_Y + phase_y;
                let x = row % PHASE_WIDTH * STRIDE_X + phase_x;
                if EXACT || (row < ROWS && y < REACHED_HEIGHT && x < REACHED_WIDTH) {
                    let at = ((image * HEIGHT + y) * WIDTH + x) * CHANNELS + channel;
                    var value = sums[i * THREAD_COLUMNS + j];
                    if RELU_MASK == 1 {
                        value = masked(value, input[at]);
                    }
                    input_gradient[at] = value;
                }
            }
        }
    }
}
