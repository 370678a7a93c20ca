// The tiles of a product in f16 and its inner loop by a device's matrix units, which add up in f32. A workgroup is one
// subgroup, and has all fragments of its tile. With the part tiles, and matrix_8 or matrix_16.

// Rows of a tile begin at multiples of 16 bytes.
const ROW_UNIT: u32 = 8;
const FRAGMENT_ROWS: u32 = max(TILE_ROWS / FRAGMENT, 1);
const FRAGMENT_COLUMNS: u32 = max(TILE_COLUMNS / FRAGMENT, 1);

var<workgroup> a_tile: array<f16, max(TILE_ROWS * A_ROW_STEP, TILE_DEPTH * A_DEPTH_STEP)>;
var<workgroup> b_tile: array<f16, B_TILE_ROWS * B_ROW_STEP>; // [B_TILE_ROWS, B_ROW_STEP]
var<workgroup> sums_tile: array<f32, TILE_ROWS * TILE_COLUMNS>; // [TILE_ROWS, TILE_COLUMNS]
var<private> fragments: array<FragmentC, FRAGMENT_ROWS * FRAGMENT_COLUMNS>;

// The inner loop: adds the products of both tiles to the fragments. The threads' own columns and sums are not looked at.
fn multiply_tile(
    first_row: u32,
    own_column: u32,
    b: ptr<function, array<f32, TILE_DEPTH * THREAD_COLUMNS>>,
    sums: ptr<function, array<f32, THREAD_ROWS * THREAD_COLUMNS>>,
) {
    for (var depth = 0u; depth < TILE_DEPTH; depth += FRAGMENT) {
        for (var i = 0u; i < FRAGMENT_ROWS; i++) {
            var left: FragmentA;
            let at = i * FRAGMENT * A_ROW_STEP + depth * A_DEPTH_STEP;
            if A_DEPTH_STEP == 1 {
                left = coopLoadT<FragmentA>(&a_tile[at], A_ROW_STEP);
            } else {
                left = coopLoad<FragmentA>(&a_tile[at], A_DEPTH_STEP);
            }
            for (var j = 0u; j < FRAGMENT_COLUMNS; j++) {
                let right = coopLoadT<FragmentB>(&b_tile[depth * B_ROW_STEP + j * FRAGMENT], B_ROW_STEP);
                let own = i * FRAGMENT_COLUMNS + j;
                fragments[own] = coopMultiplyAdd(left, right, fragments[own]);
            }
        }
    }
}

// A value as a tile has it.
fn staged(value: f32) -> f16 {
    return f16(value);
}

// Adds to a thread's sums what the fragments have of them.
fn add_fragments(place: vec2<u32>, sums: ptr<function, array<f32, THREAD_ROWS * THREAD_COLUMNS>>) {
    for (var i = 0u; i < FRAGMENT_ROWS; i++) {
        for (var j = 0u; j < FRAGMENT_COLUMNS; j++) {
            let at = (i * TILE_COLUMNS + j) * FRAGMENT;
            coopStoreT(fragments[i * FRAGMENT_COLUMNS + j], &sums_tile[at], TILE_COLUMNS);
        }
    }
    workgroupBarrier();
    for (var i = 0u; i < THREAD_ROWS; i++) {
        for (var j = 0u; j < THREAD_COLUMNS; j++) {
            let at = (place.y * THREAD_ROWS + i) * TILE_COLUMNS + place.x * THREAD_COLUMNS + j;
            (*sums)[i * THREAD_COLUMNS + j] += sums_tile[at];
        }
    }
}

// The tile of sums, once they have been added, as scratch memory.
fn set_scratch(at: u32, value: f32) {
    sums_tile[at] = value;
}

fn scratch(at: u32) -> f32 {
    return sums_tile[at];
}
