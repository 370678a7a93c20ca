// The tiles of a product in f32 and its inner loop where each thread is alone: it has a tile of A of its own in private memory,
// and waits for no other. For SwiftShader, which pays for a barrier and for every address that is not a constant: see
// docs/design/software-vulkan.md. With the part tiles, for one row of threads that load B themselves.

// Rows of a tile begin at multiples of so many values.
const ROW_UNIT: u32 = 1;

var<private> a_tile: array<f32, max(TILE_ROWS * A_ROW_STEP, TILE_DEPTH * A_DEPTH_STEP)>;
// B's tile is for STAGE_B alone.
var<private> b_tile: array<f32, 1>;

const WORKGROUP_X: u32 = THREADS_X;
const WORKGROUP_Y: u32 = 1;

struct Invocation { @builtin(local_invocation_id) thread: vec3<u32> }

// In place of WGSL's own: nobody is waited for.
fn workgroupBarrier() {}

fn thread_of(invocation: Invocation) -> vec3<u32> {
    return invocation.thread;
}

// The number among those that load a tile together: each has its own.
fn thread_index(thread: vec3<u32>) -> u32 {
    return 0;
}

// Without barriers there is nothing to keep over one.
fn loop_carried(value: u32) -> u32 {
    return value;
}

// As in gemm.wgsl, and in the same order; the thread's first row is that of its own tile.
fn multiply_tile(_first_row: u32, _own_column: u32, b: ptr<function, OwnColumns>, sums: ptr<function, Sums>) {
    for (var i = 0u; i < THREAD_ROWS; i++) {
        var block = array<f32, ACCUMULATORS * THREAD_COLUMNS>();
        for (var depth = 0u; depth < TILE_DEPTH; depth++) {
            let a = a_tile[i * A_ROW_STEP + depth * A_DEPTH_STEP];
            for (var j = 0u; j < THREAD_COLUMNS; j++) {
                let at = depth % ACCUMULATORS * THREAD_COLUMNS + j;
                block[at] = fma(a, (*b)[depth * THREAD_COLUMNS + j], block[at]);
            }
        }
        for (var j = 0u; j < THREAD_COLUMNS; j++) {
            for (var accumulator = 1u; accumulator < ACCUMULATORS; accumulator++) {
                block[j] += block[accumulator * THREAD_COLUMNS + j];
            }
            (*sums)[i * THREAD_COLUMNS + j] += block[j];
        }
    }
}

fn staged(value: f32) -> f32 {
    return value;
}

fn add_fragments(place: vec2<u32>, sums: ptr<function, Sums>) {}

// Only with STAGE_B is there something to keep.
fn set_scratch(at: u32, value: f32) {}

fn scratch(at: u32) -> f32 {
    return 0.0;
}
