// A's tile as forward products and input gradients have it: row by row, or with STAGE_B depth by depth, so that a thread reads
// its rows at once. With the parts tiles and gemm.

const TILE_DEPTH: u32 = DEPTH_TILE;
const A_ROW_STEP: u32 = STAGE_B + (1 - STAGE_B) * DEPTH_TILE;
// Neighbouring threads write neighbouring depths, which begin in different banks of a GPU's memory.
const A_DEPTH_STEP: u32 = STAGE_B * (TILE_ROWS + APART) + (1 - STAGE_B);
// Between rows of a tile that is written so: what keeps loads of four words whole.
const APART: u32 = max(4, ROW_UNIT);
const B_TILE_ROWS: u32 = DEPTH_TILE;
// Rows of A's tile that one thread has a part of.
const ROWS_PER_THREAD: u32 = (TILE_ROWS * THREADS_PER_ROW + THREADS - 1) / THREADS;
