// How a tiled matrix product, output [rows, columns] = A [rows, depth] x B [depth, columns], is shared out: a workgroup has a
// tile of the output. It loads a tile of A, and with STAGE_B one of B, into workgroup memory, multiplies them, and goes on
// along the depth. gemm.wgsl or gemm_matrix.wgsl has the tiles and the inner loop.
//
// The product that this is a part of loads the tiles, and says how they lie: TILE_DEPTH, A_ROW_STEP, A_DEPTH_STEP,
// B_TILE_ROWS and B_ROW_STEP.

const THREADS_X: u32 = 8;
const THREADS_Y: u32 = 1;
// Outputs of one thread: neighbouring rows and columns.
const THREAD_ROWS: u32 = 8;
const THREAD_COLUMNS: u32 = 1;
// Depth between two barriers; in a weight gradient of pooled positions, each with all elements of its window.
const DEPTH_TILE: u32 = 4;
// Neighbouring threads that load one row of A's tile together, and how many rows the workgroup loads at a time.
const THREADS_PER_ROW: u32 = 4;
const ROW_STRIDE: u32 = THREADS / THREADS_PER_ROW;
// 1: B's tile goes through workgroup memory; 0: each thread loads its own columns.
const STAGE_B: u32 = 0;
// Independent sums that a tile's products of one output are added up in; a GPU's fused multiply-add wants one.
const ACCUMULATORS: u32 = 2;
// 1: the loop over the depth has a loop-carry barrier, see `loop_carried`.
const LOOP_CARRY: u32 = 1;
// Workgroups along x of the dispatch; y goes on where x ends.
const GRID_WIDTH: u32 = 1;
// z of the dispatch counts blocks of columns, and then partitions of the sum or what else there is.
const COLUMN_BLOCKS: u32 = 1;

const THREADS: u32 = THREADS_X * THREADS_Y;
const TILE_ROWS: u32 = THREADS_Y * THREAD_ROWS;
const TILE_COLUMNS: u32 = THREADS_X * THREAD_COLUMNS;

// A thread's sums, row by row, and what it has of B's tile where it loads that itself: [TILE_DEPTH, THREAD_COLUMNS].
alias Sums = array<f32, THREAD_ROWS * THREAD_COLUMNS>;
alias OwnColumns = array<f32, TILE_DEPTH * THREAD_COLUMNS>;

// With STAGE_B a thread loads the same columns of B each time: one column, where the rows of threads can be shared out to a
// thread's columns, else THREAD_COLUMNS of them. So many threads load one row, and so many rows are loaded at a time.
const SHARED_OUT: u32 = 1 - min(THREADS_Y % THREAD_COLUMNS, 1);
const B_COLUMNS_PER_THREAD: u32 = SHARED_OUT + (1 - SHARED_OUT) * THREAD_COLUMNS;
const B_THREADS_PER_ROW: u32 = TILE_COLUMNS / B_COLUMNS_PER_THREAD;
const B_ROW_STRIDE: u32 = THREADS / B_THREADS_PER_ROW;

// Where a thread's outputs are in the workgroup's tile: their column and row, counted in threads. The threads that a GPU runs
// together, 32 of them, have 4 x 8 such places and so few different rows of A and columns of B; and neighbours, whose loads of
// four words it makes at a time, have two of each: the layout of CUTLASS.
fn output_place(thread: vec3<u32>) -> vec2<u32> {
    if STAGE_B == 0 || THREAD_COLUMNS % 4 != 0 || THREADS_X % 8 != 0 || THREADS_Y % 4 != 0 {
        return thread.xy;
    }
    let lane = thread_index(thread) % 32;
    let block = thread_index(thread) / 32;
    let blocks_high = max(THREADS_Y / 4, 1);
    return vec2(block / blocks_high * 8 + lane / 2 % 8, block % blocks_high * 4 + lane / 16 * 2 + lane % 2);
}
