// value * FACTOR + OFFSET, value by value; of a gradient with the epilogue of conv_input_gradient.wgsl.
// With the part relu_mask.

const VALUES: u32 = 4096;
const FACTOR: f32 = 2.0;
const OFFSET: f32 = 0.0;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> source: array<f32>; // [VALUES]
@group(0) @binding(1) var<storage, read> input: array<f32>; // [VALUES]
@group(0) @binding(2) var<storage, read_write> rescaled: array<f32>; // [VALUES]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at < VALUES {
        var value = source[at] * FACTOR + OFFSET;
        if RELU_MASK == 1 {
            value = masked(value, input[at]);
        }
        rescaled[at] = value;
    }
}
