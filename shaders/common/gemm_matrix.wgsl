// The tiles of a product in f16 and its inner loop by a device's matrix units, which add up in f32. The subgroups of a
// workgroup share its tiles, and each has a rectangle of the fragments. With the part tiles, and matrix_8 or matrix_16.

// Rows of a tile begin at multiples of 16 bytes.
const ROW_UNIT: u32 = 8;
// Subgroups of a workgroup, along the columns and along the rows, and the fragments of each.
const SUBGROUPS_X: u32 = 1;
const SUBGROUPS_Y: u32 = 1;
const FRAGMENT_ROWS: u32 = max(TILE_ROWS / (SUBGROUPS_Y * FRAGMENT), 1);
const FRAGMENT_COLUMNS: u32 = max(TILE_COLUMNS / (SUBGROUPS_X * FRAGMENT), 1);
// WGSL numbers the subgroups of a workgroup that is one row.
const WORKGROUP_X: u32 = THREADS;
const WORKGROUP_Y: u32 = 1;

var<workgroup> a_tile: array<f16, max(TILE_ROWS * A_ROW_STEP, TILE_DEPTH * A_DEPTH_STEP)>;
var<workgroup> b_tile: array<f16, B_TILE_ROWS * B_ROW_STEP>; // [B_TILE_ROWS, B_ROW_STEP]
var<workgroup> sums_tile: array<f32, TILE_ROWS * TILE_COLUMNS>; // [TILE_ROWS, TILE_COLUMNS]
var<private> fragments: array<FragmentC, FRAGMENT_ROWS * FRAGMENT_COLUMNS>;
// Row and column in the tile where those of this subgroup begin.
var<private> corner: vec2<u32>;

struct Invocation {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
}

fn thread_of(invocation: Invocation) -> vec3<u32> {
    let place = vec2(invocation.subgroup / SUBGROUPS_X, invocation.subgroup % SUBGROUPS_X);
    corner = place * vec2(FRAGMENT_ROWS, FRAGMENT_COLUMNS) * FRAGMENT;
    return vec3(invocation.index % THREADS_X, invocation.index / THREADS_X, 0);
}

// The inner loop: adds the products of both tiles to the fragments. The threads' own columns and sums are not looked at.
fn multiply_tile(first_row: u32, own_column: u32, b: ptr<function, OwnColumns>, sums: ptr<function, Sums>) {
    for (var depth = 0u; depth < TILE_DEPTH; depth += FRAGMENT) {
        for (var i = 0u; i < FRAGMENT_ROWS; i++) {
            var left: FragmentA;
            let at = (corner.x + i * FRAGMENT) * A_ROW_STEP + depth * A_DEPTH_STEP;
            if A_DEPTH_STEP == 1 {
                left = coopLoadT<FragmentA>(&a_tile[at], A_ROW_STEP);
            } else {
                left = coopLoad<FragmentA>(&a_tile[at], A_DEPTH_STEP);
            }
            for (var j = 0u; j < FRAGMENT_COLUMNS; j++) {
                let at = depth * B_ROW_STEP + corner.y + j * FRAGMENT;
                let right = coopLoadT<FragmentB>(&b_tile[at], B_ROW_STEP);
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
fn add_fragments(place: vec2<u32>, sums: ptr<function, Sums>) {
    for (var i = 0u; i < FRAGMENT_ROWS; i++) {
        for (var j = 0u; j < FRAGMENT_COLUMNS; j++) {
            let at = (corner.x + i * FRAGMENT) * TILE_COLUMNS + corner.y + j * FRAGMENT;
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
