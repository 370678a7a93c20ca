// Convolution backward, weights: gradient of kernel and bias, as one implicit matrix product. With the parts convolution,
// argmax, patches, tiles and gemm.
//
// kernel gradient [DEPTH, FILTERS] = A, the patches transposed [DEPTH, rows], x B, the output gradient [rows, FILTERS], where
// row r is an output position, numbered as in conv_forward.wgsl. The long sum over positions is divided into partitions
// (split-K); each writes its own sums, and the update adds them up in order, so that the result never depends on timing.
// With POOL > 1 a position's gradient belongs to the largest element of its window; the others get none.

// 1: the last row is the gradient of the bias; 0: there is no bias.
const BIAS: u32 = 1;
// Pooled positions of each partition but the last, which may have fewer.
const PARTITION_POSITIONS: u32 = 8;

// Whether some tile reaches past the end of its partition.
const UNEVEN: bool = PARTITION_POSITIONS % DEPTH_TILE != 0 || POSITIONS % PARTITION_POSITIONS != 0;

// A tile is so many patches deep: DEPTH_TILE positions, each with all elements of its window. A's tile lies patch by patch.
const TILE_DEPTH: u32 = DEPTH_TILE * WINDOW_ELEMENTS;
const A_ROW_STEP: u32 = 1;
const A_DEPTH_STEP: u32 = TILE_ROWS;
// At the end the bias is added up in B's tile, a row for each row of threads.
const B_TILE_ROWS: u32 = max(TILE_DEPTH, THREADS_Y);
const B_ROW_STEP: u32 = TILE_COLUMNS;
// Rows of A's tile, taps of a patch, that one thread loads.
const ROWS_PER_THREAD: u32 = (TILE_ROWS + THREADS_PER_ROW - 1) / THREADS_PER_ROW;
// Whether every row of every workgroup that is dispatched is a row of the product.
const EXACT: bool = DEPTH % TILE_ROWS == 0 && DEPTH / TILE_ROWS % GRID_WIDTH == 0;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> output_gradient: array<f32>; // [POSITIONS, FILTERS]
@group(0) @binding(2) var<storage, read> argmax: array<u32>; // as argmax.wgsl packs it
@group(0) @binding(3) var<storage, read_write> weight_gradient: array<f32>; // [partitions, DEPTH + BIAS, FILTERS]

// A tap of the kernel: its y, its x, and how far its input is from the patch's corner.
fn kernel_tap(row: u32) -> vec3<u32> {
    let depth = min(row, DEPTH - 1);
    let y = depth / (KERNEL_WIDTH * CHANNELS);
    let x = depth / CHANNELS % KERNEL_WIDTH;
    return vec3(y, x, (y * WIDTH + x) * CHANNELS + depth % CHANNELS);
}

fn gradient_value(position: u32, end: u32, column: u32) -> f32 {
    if UNEVEN && position >= end {
        return 0.0;
    }
    return output_gradient[position * FILTERS + min(column, FILTERS - 1)];
}

// As `winner_at`; past the edges some winner whose gradient is zero or is never stored.
fn winner_of(position: u32, column: u32) -> u32 {
    let clamped = select(position, min(position, POSITIONS - 1), UNEVEN);
    return winner_at(clamped, min(column, FILTERS - 1));
}

@compute @workgroup_size(WORKGROUP_X, WORKGROUP_Y)
fn main(@builtin(workgroup_id) group: vec3<u32>, invocation: Invocation) {
    let first_row = (group.y * GRID_WIDTH + group.x) * TILE_ROWS;
    let partition_index = group.z / COLUMN_BLOCKS;
    let first_column = group.z % COLUMN_BLOCKS * TILE_COLUMNS;
    let begin = partition_index * PARTITION_POSITIONS;
    let end = min(begin + PARTITION_POSITIONS, POSITIONS);
    let thread = thread_of(invocation);
    let index = thread_index(thread);
    var lane = index;
    let place = output_place(thread);
    var own_column = place.x * THREAD_COLUMNS;
    var taps: array<vec3<u32>, ROWS_PER_THREAD>;
    for (var load = 0u; load < ROWS_PER_THREAD; load++) {
        taps[load] = kernel_tap(first_row + index % THREADS_PER_ROW + load * THREADS_PER_ROW);
    }
    var sums: Sums;
    var bias_sums: array<f32, THREAD_COLUMNS>;

    for (var first_position = begin; first_position < end; first_position += DEPTH_TILE) {
        workgroupBarrier();
        for (var part = 0u; part < (TILE_DEPTH + ROW_STRIDE - 1) / ROW_STRIDE; part++) {
            let patch_index = part * ROW_STRIDE + lane / THREADS_PER_ROW;
            let position = min(first_position + patch_index / WINDOW_ELEMENTS, POSITIONS - 1);
            let corner = patch_corner(position, patch_index % WINDOW_ELEMENTS);
            for (var load = 0u; load < ROWS_PER_THREAD; load++) {
                let tap = taps[load];
                let y = corner.x + tap.x - PAD_TOP;
                let x = corner.y + tap.y - PAD_LEFT;
                let inside = !PADDED || (y < HEIGHT && x < WIDTH);
                let at = corner.z + tap.z - (PAD_TOP * WIDTH + PAD_LEFT) * CHANNELS;
                let value = select(0.0, input[select(0u, at, inside)], inside);
                let row = lane % THREADS_PER_ROW + load * THREADS_PER_ROW;
                if (TILE_ROWS % THREADS_PER_ROW == 0 || row < TILE_ROWS)
                    && (TILE_DEPTH % ROW_STRIDE == 0 || patch_index < TILE_DEPTH) {
                    a_tile[patch_index * TILE_ROWS + row] = staged(value);
                }
            }
        }
        if STAGE_B == 1 {
            for (var part = 0u; part < (DEPTH_TILE + B_ROW_STRIDE - 1) / B_ROW_STRIDE; part++) {
                let step = part * B_ROW_STRIDE + lane / B_THREADS_PER_ROW;
                for (var load = 0u; load < B_COLUMNS_PER_THREAD && (DEPTH_TILE % B_ROW_STRIDE == 0 || step < DEPTH_TILE); load++) {
                    let column = load * B_THREADS_PER_ROW + lane % B_THREADS_PER_ROW;
                    let gradient = gradient_value(first_position + step, end, first_column + column);
                    var winner = 0u;
                    if POOL > 1 {
                        winner = winner_of(first_position + step, first_column + column);
                    }
                    bias_sums[load] += select(0.0, gradient, winner < WINDOW_ELEMENTS);
                    for (var element = 0u; element < WINDOW_ELEMENTS; element++) {
                        let of_element = select(0.0, gradient, winner == element);
                        b_tile[(step * WINDOW_ELEMENTS + element) * TILE_COLUMNS + column] = staged(of_element);
                    }
                }
            }
        }
        workgroupBarrier();
        // The gradient of every window element: the largest's is the position's, the others' is zero.
        var b: OwnColumns;
        for (var step = 0u; step < DEPTH_TILE && STAGE_B == 0; step++) {
            for (var j = 0u; j < THREAD_COLUMNS; j++) {
                let column = first_column + own_column + j;
                let gradient = gradient_value(first_position + step, end, column);
                var winner = 0u;
                if POOL > 1 {
                    winner = winner_of(first_position + step, column);
                }
                bias_sums[j] += select(0.0, gradient, winner < WINDOW_ELEMENTS);
                for (var element = 0u; element < WINDOW_ELEMENTS; element++) {
                    let of_element = select(0.0, gradient, POOL == 1 || winner == element);
                    b[(step * WINDOW_ELEMENTS + element) * THREAD_COLUMNS + j] = of_element;
                }
            }
        }
        multiply_tile(place.y * THREAD_ROWS, own_column, &b, &sums);
        for (var load = 0u; load < ROWS_PER_THREAD; load++) {
            let tap = taps[load];
            taps[load] = vec3(loop_carried(tap.x), loop_carried(tap.y), loop_carried(tap.z));
        }
        lane = loop_carried(lane);
        own_column = loop_carried(own_column);
    }

    add_fragments(place, &sums);
    let partition_start = partition_index * (DEPTH + BIAS);
    for (var j = 0u; j < THREAD_COLUMNS; j++) {
        let column = first_column + place.x * THREAD_COLUMNS + j;
        if column < FILTERS {
            for (var i = 0u; i < THREAD_ROWS; i++) {
                let row = first_row + place.y * THREAD_ROWS + i;
                if EXACT || row < DEPTH {
                    weight_gradient[(partition_start + row) * FILTERS + column] = sums[i * THREAD_COLUMNS + j];
                }
            }
            if BIAS == 1 && STAGE_B == 0 && first_row + place.y == 0 {
                weight_gradient[(partition_start + DEPTH) * FILTERS + column] = bias_sums[j];
            }
        }
    }
    if BIAS == 1 && STAGE_B == 1 && first_row == 0 {
        // Each thread has added up the columns that it loaded: B_ROW_STRIDE rows of the bias.
        workgroupBarrier();
        for (var load = 0u; load < B_COLUMNS_PER_THREAD; load++) {
            let column = load * B_THREADS_PER_ROW + index % B_THREADS_PER_ROW;
            set_scratch(index / B_THREADS_PER_ROW * TILE_COLUMNS + column, bias_sums[load]);
        }
        workgroupBarrier();
        for (var column = index; column < TILE_COLUMNS; column += THREADS) {
            var total = 0.0;
            for (var row = 0u; row < B_ROW_STRIDE; row++) {
                total += scratch(row * TILE_COLUMNS + column);
            }
            if first_column + column < FILTERS {
                weight_gradient[(partition_start + DEPTH) * FILTERS + first_column + column] = total;
            }
        }
    }
}
