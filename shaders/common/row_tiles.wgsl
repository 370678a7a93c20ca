// A's tile row by row, as forward products and input gradients have it. With the parts tiles and gemm.

const TILE_DEPTH: u32 = DEPTH_TILE;
// In a narrow workgroup several rows of threads read at a time: theirs begin in different banks of a GPU's memory.
const A_ROW_STEP: u32 = DEPTH_TILE + max(4, ROW_UNIT) * STAGE_B * min(15 / THREADS_X, 1);
const A_DEPTH_STEP: u32 = 1;
const B_TILE_ROWS: u32 = DEPTH_TILE;
// Rows of A's tile that one thread has a part of.
const ROWS_PER_THREAD: u32 = (TILE_ROWS * THREADS_PER_ROW + THREADS - 1) / THREADS;
