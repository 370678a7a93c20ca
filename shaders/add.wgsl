// The sum of two buffers, number by number: of the gradients that two readers of a value leave of it.

const VALUES: u32 = 4096;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> left: array<f32>; // [VALUES]
@group(0) @binding(1) var<storage, read> right: array<f32>; // [VALUES]
@group(0) @binding(2) var<storage, read_write> sum: array<f32>; // [VALUES]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at < VALUES {
        sum[at] = left[at] + right[at];
    }
}
