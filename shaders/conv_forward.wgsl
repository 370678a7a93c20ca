// Convolution forward: output = max_pool(relu(input * kernel + bias)), as one implicit matrix product. With the parts
// convolution, argmax, patches, tiles, gemm and row_tiles.
//
// Row r of A [ROWS, DEPTH] is the patch under one output position; it is gathered, never stored. B [DEPTH, FILTERS] is the
// kernel. With POOL > 1 the elements of one pooling window are neighbouring rows, so one thread holds them all and only the
// largest leaves the registers. Where few outputs have a long sum, it is divided into partitions (split-K), runs of the depth:
// each writes its own sums, and split_k_reduce.wgsl adds them up in order, then bias and ReLU.

const BIAS: u32 = 1;
const RELU: u32 = 1;
const NO_WINNER: u32 = 15; // where ReLU left zero
const PARTITIONS: u32 = 1;
// The depth of each partition but the last: whole tiles.
const PARTITION_DEPTH: u32 = 12;

const ROWS: u32 = POSITIONS * WINDOW_ELEMENTS;
// Whether every row of every workgroup that is dispatched is a row of the product.
const EXACT: bool = ROWS % TILE_ROWS == 0 && ROWS / TILE_ROWS % GRID_WIDTH == 0;
const B_ROW_STEP: u32 = TILE_COLUMNS;
// Whether all of a tile's depth is under one tap of the kernel.
const ONE_TAP: bool = CHANNELS % DEPTH_TILE == 0;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [DEPTH, FILTERS], then with BIAS the bias [FILTERS]
@group(0) @binding(2) var<storage, read_write> output: array<f32>; // [PARTITIONS, POSITIONS, FILTERS]
// With POOL > 1, the largest element of each window, packed as argmax.wgsl has it: the words of one thread's positions.
@group(0) @binding(3) var<storage, read_write> argmax: array<u32>;

// B's value; past its edges some number that meets a zero or is never stored.
fn kernel_value(depth: u32, column: u32) -> f32 {
    // Where the clamp can never apply a GPU goes without it; software Vulkan is slower so.
    let row = select(min(depth, DEPTH - 1 + BIAS), depth, STAGE_B == 1 && BIAS == 1 && DEPTH % DEPTH_TILE == 0);
    return weights[row * FILTERS + min(column, FILTERS - 1)];
}

@compute @workgroup_size(WORKGROUP_X, WORKGROUP_Y)
fn main(@builtin(workgroup_id) group: vec3<u32>, invocation: Invocation) {
    let first_row = (group.y * GRID_WIDTH + group.x) * TILE_ROWS;
    // Of one partition, both must be known when the shader is compiled.
    let partition_index = select(group.z / COLUMN_BLOCKS, 0u, PARTITIONS == 1);
    let first_column = select(group.z % COLUMN_BLOCKS, group.z, PARTITIONS == 1) * TILE_COLUMNS;
    let begin = partition_index * PARTITION_DEPTH;
    let end = min(begin + PARTITION_DEPTH, DEPTH);
    let thread = thread_of(invocation);
    let index = thread_index(thread);
    var lane = index;
    let place = output_place(thread);
    var own_column = place.x * THREAD_COLUMNS;
    var corners: array<vec3<u32>, ROWS_PER_THREAD>;
    for (var load = 0u; load < ROWS_PER_THREAD; load++) {
        let row = first_row + index / THREADS_PER_ROW + load * ROW_STRIDE;
        corners[load] = patch_corner(min(row, ROWS - 1) / WINDOW_ELEMENTS, row % WINDOW_ELEMENTS);
    }
    var sums: Sums;
    for (var j = 0u; j < THREAD_COLUMNS; j++) {
        let bias = select(0.0, kernel_value(DEPTH, first_column + own_column + j), BIAS == 1 && PARTITIONS == 1);
        for (var i = 0u; i < THREAD_ROWS; i++) {
            sums[i * THREAD_COLUMNS + j] = bias;
        }
    }

    for (var first_depth = begin; first_depth < end; first_depth += DEPTH_TILE) {
        if PARTITION_DEPTH > DEPTH_TILE {
            workgroupBarrier();
        }
        for (var part = 0u; part < DEPTH_TILE / THREADS_PER_ROW; part++) {
            let within = part * THREADS_PER_ROW + lane % THREADS_PER_ROW;
            // A tile inside one tap has the same tap for all threads.
            let depth = first_depth + select(within, 0u, ONE_TAP);
            let kernel_y = depth / (KERNEL_WIDTH * CHANNELS);
            let kernel_x = depth / CHANNELS % KERNEL_WIDTH;
            let channel = depth % CHANNELS + select(0u, within, ONE_TAP);
            let offset = ((kernel_y - PAD_TOP) * WIDTH + kernel_x - PAD_LEFT) * CHANNELS + channel;
            for (var load = 0u; load < ROWS_PER_THREAD; load++) {
                let corner = corners[load];
                let in_image = !PADDED
                    || (corner.x + kernel_y - PAD_TOP < HEIGHT && corner.y + kernel_x - PAD_LEFT < WIDTH);
                let inside = in_image && (DEPTH % DEPTH_TILE == 0 || depth < DEPTH);
                let value = select(0.0, input[select(0u, corner.z + offset, inside)], inside);
                let row = lane / THREADS_PER_ROW + load * ROW_STRIDE;
                if TILE_ROWS % ROW_STRIDE == 0 || row < TILE_ROWS {
                    a_tile[row * A_ROW_STEP + within * A_DEPTH_STEP] = staged(value);
                }
            }
        }
        if STAGE_B == 1 {
            // Neighbouring threads load neighbouring columns, each the same ones every time.
            for (var part = 0u; part < (DEPTH_TILE + B_ROW_STRIDE - 1) / B_ROW_STRIDE; part++) {
                let depth = part * B_ROW_STRIDE + lane / B_THREADS_PER_ROW;
                for (var load = 0u; load < B_COLUMNS_PER_THREAD; load++) {
                    let column = load * B_THREADS_PER_ROW + lane % B_THREADS_PER_ROW;
                    if DEPTH_TILE % B_ROW_STRIDE == 0 || depth < DEPTH_TILE {
                        let value = kernel_value(first_depth + depth, first_column + column);
                        b_tile[depth * B_ROW_STEP + column] = staged(value);
                    }
                }
            }
        }
        workgroupBarrier();
        var b: OwnColumns;
        for (var depth = 0u; depth < DEPTH_TILE && STAGE_B == 0; depth++) {
            for (var j = 0u; j < THREAD_COLUMNS; j++) {
                b[depth * THREAD_COLUMNS + j] = kernel_value(first_depth + depth, first_column + own_column + j);
            }
        }
        multiply_tile(place.y * THREAD_ROWS, own_column, &b, &sums);
        for (var load = 0u; load < ROWS_PER_THREAD; load++) {
            let corner = corners[load];
            corners[load] = vec3(loop_carried(corner.x), loop_carried(corner.y), loop_carried(corner.z));
        }
        lane = loop_carried(lane);
        own_column = loop_carried(own_column);
    }

    add_fragments(place, &sums);
    let thread_row = first_row + place.y * THREAD_ROWS;
    var winners = 0u;
    for (var j = 0u; j < THREAD_COLUMNS; j++) {
        let column = first_column + place.x * THREAD_COLUMNS + j;
        if column < FILTERS {
            if j % FILTERS_PER_WORD == 0 {
                winners = 0u;
            }
            for (var i = 0u; i < THREAD_ROWS; i += WINDOW_ELEMENTS) {
                var largest = sums[i * THREAD_COLUMNS + j];
                var winner = 0u;
                for (var element = 1u; element < WINDOW_ELEMENTS; element++) {
                    let candidate = sums[(i + element) * THREAD_COLUMNS + j];
                    if candidate > largest {
                        largest = candidate;
                        winner = element;
                    }
                }
                var value = largest;
                if RELU == 1 {
                    value = max(value, 0.0);
                    winner = select(winner, NO_WINNER, value <= 0.0);
                }
                let position = (thread_row + i) / WINDOW_ELEMENTS;
                if EXACT || position < POSITIONS {
                    output[(partition_index * POSITIONS + position) * FILTERS + column] = value;
                    winners |= winner << (argmax_shift(i / WINDOW_ELEMENTS, j) % 32);
                }
            }
            let last_of_word = (j + 1) % FILTERS_PER_WORD == 0 || column == FILTERS - 1;
            if POOL > 1 && last_of_word && (EXACT || thread_row < ROWS) {
                argmax[argmax_word(thread_row / WINDOW_ELEMENTS, column)] = winners;
            }
        }
    }
}
