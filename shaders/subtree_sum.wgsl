// Adds up the sums of subtrees, from left to right: each is joined to as many of those that wait as `joins` says.

const SUBTREES: u32 = 2;
const WORDS: u32 = 64;
const LEVELS: u32 = 1; // sums that wait, at most
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> sums: array<f32>; // [SUBTREES, WORDS]
@group(0) @binding(1) var<storage, read> joins: array<u32>; // [SUBTREES]
@group(0) @binding(2) var<storage, read_write> total: array<f32>; // [WORDS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= WORDS {
        return;
    }
    var waiting: array<f32, LEVELS>;
    var height = 0u;
    var sum = 0.0;
    for (var subtree = 0u; subtree < SUBTREES; subtree++) {
        sum = sums[subtree * WORDS + at];
        for (var left = joins[subtree]; left > 0; left--) {
            height--;
            sum = waiting[height] + sum;
        }
        waiting[height] = sum;
        height++;
    }
    total[at] = sum;
}
