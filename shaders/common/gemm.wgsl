// The tiles of a product in f32 and its inner loop, by each thread for its own outputs. With the part tiles.

// Rows of a tile begin at multiples of so many values.
const ROW_UNIT: u32 = 1;

var<workgroup> a_tile: array<f32, max(TILE_ROWS * A_ROW_STEP, TILE_DEPTH * A_DEPTH_STEP)>;
var<workgroup> b_tile: array<f32, STAGE_B * B_TILE_ROWS * B_ROW_STEP + 1>; // [B_TILE_ROWS, B_ROW_STEP]

// The workgroup as the device has it, and a thread's place among THREADS_X x THREADS_Y.
const WORKGROUP_X: u32 = THREADS_X;
const WORKGROUP_Y: u32 = THREADS_Y;

struct Invocation { @builtin(local_invocation_id) thread: vec3<u32> }

fn thread_of(invocation: Invocation) -> vec3<u32> {
    return invocation.thread;
}

// The inner loop: adds to the sums of this thread's outputs the products of A's tile, from the thread's first row on, and of
// its columns of B: those of B's tile from `own_column` on, or without STAGE_B those in `b`. The tile's products add up apart,
// then the sum grows by theirs: see ARCHITECTURE.md on exactness.
fn multiply_tile(first_row: u32, own_column: u32, b: ptr<function, OwnColumns>, sums: ptr<function, Sums>) {
    if STAGE_B == 1 {
        multiply_by_depth(first_row, own_column, sums);
    } else {
        multiply_by_row(first_row, b, sums);
    }
}

// A GPU has registers for the sums of the whole tile, and waits for no multiply-add: one accumulator is enough.
fn multiply_by_depth(first_row: u32, own_column: u32, sums: ptr<function, Sums>) {
    var block = Sums();
    for (var depth = 0u; depth < TILE_DEPTH; depth++) {
        var b: array<f32, THREAD_COLUMNS>;
        for (var j = 0u; j < THREAD_COLUMNS; j++) {
            b[j] = b_tile[depth * B_ROW_STEP + own_column + j];
        }
        for (var i = 0u; i < THREAD_ROWS; i++) {
            let a = a_tile[(first_row + i) * A_ROW_STEP + depth * A_DEPTH_STEP];
            for (var j = 0u; j < THREAD_COLUMNS; j++) {
                block[i * THREAD_COLUMNS + j] = fma(a, b[j], block[i * THREAD_COLUMNS + j]);
            }
        }
    }
    for (var own = 0u; own < THREAD_ROWS * THREAD_COLUMNS; own++) {
        (*sums)[own] += block[own];
    }
}

// Lavapipe keeps B's columns in its registers, and reads A's values as operands, row by row.
fn multiply_by_row(first_row: u32, b: ptr<function, OwnColumns>, sums: ptr<function, Sums>) {
    for (var i = 0u; i < THREAD_ROWS; i++) {
        // With its value: without one, Chromium's compiler gives it its zeros only once.
        var block = array<f32, ACCUMULATORS * THREAD_COLUMNS>();
        for (var depth = 0u; depth < TILE_DEPTH; depth++) {
            let a = a_tile[(first_row + i) * A_ROW_STEP + depth * A_DEPTH_STEP];
            for (var j = 0u; j < THREAD_COLUMNS; j++) {
                let accumulator = depth % ACCUMULATORS * THREAD_COLUMNS + j;
                block[accumulator] = fma(a, (*b)[depth * THREAD_COLUMNS + j], block[accumulator]);
            }
        }
        for (var j = 0u; j < THREAD_COLUMNS; j++) {
            var total = block[j];
            for (var accumulator = 1u; accumulator < ACCUMULATORS; accumulator++) {
                total += block[accumulator * THREAD_COLUMNS + j];
            }
            (*sums)[i * THREAD_COLUMNS + j] += total;
        }
    }
}

// A value as a tile has it.
fn staged(value: f32) -> f32 {
    return value;
}

// What is left to add to a thread's sums after the last tile: nothing.
fn add_fragments(place: vec2<u32>, sums: ptr<function, Sums>) {}

// B's tile, once it has been multiplied, as scratch memory.
fn set_scratch(at: u32, value: f32) {
    b_tile[at] = value;
}

fn scratch(at: u32) -> f32 {
    return b_tile[at];
}
