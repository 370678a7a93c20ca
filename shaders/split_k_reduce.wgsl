// Adds up the partitions of a forward product, whose sum conv_forward.wgsl has divided into runs of the depth (split-K):
// output = relu(partition 0 + partition 1 + ... + bias), always in this order.

const ROWS: u32 = 16;
const DEPTH: u32 = 64;
const FILTERS: u32 = 8;
const PARTITIONS: u32 = 2;
const BIAS: u32 = 1;
const RELU: u32 = 1;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

const VALUES: u32 = ROWS * FILTERS;

@group(0) @binding(0) var<storage, read> sums: array<f32>; // [PARTITIONS, ROWS, FILTERS]
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [DEPTH, FILTERS], then with BIAS the bias [FILTERS]
@group(0) @binding(2) var<storage, read_write> output: array<f32>; // [ROWS, FILTERS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= VALUES {
        return;
    }
    var value = sums[at];
    for (var partition_index = 1u; partition_index < PARTITIONS; partition_index++) {
        value += sums[partition_index * VALUES + at];
    }
    if BIAS == 1 {
        value += weights[DEPTH * FILTERS + at % FILTERS];
    }
    if RELU == 1 {
        value = max(value, 0.0);
    }
    output[at] = value;
}
