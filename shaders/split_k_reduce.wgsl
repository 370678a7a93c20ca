// Adds up the partitions of a forward product, whose sum conv_forward.wgsl has divided into runs of the depth (split-K):
// output = relu(partition 0 + partition 1 + ... + bias), always in this order, of which eight are read at a time. Only GPUs
// divide forward products. With the part read_ahead.

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

// A value's partitions from `part` on; past the last one, that again.
fn four_partitions(part: u32, at: u32) -> vec4<f32> {
    let places = min(part + vec4(0u, 1u, 2u, 3u), vec4(PARTITIONS - 1)) * VALUES + at;
    return vec4(sums[places.x], sums[places.y], sums[places.z], sums[places.w]);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= VALUES {
        return;
    }
    var value = sums[at];
    for (var part = 1u; part < PARTITIONS; part += 8) {
        let first = four_partitions(part, at);
        let second = four_partitions(part + 4, at);
        value = added_in_order(value, first, PARTITIONS - part);
        value = added_in_order(value, second, max(PARTITIONS, part + 4) - (part + 4));
    }
    if BIAS == 1 {
        value += weights[DEPTH * FILTERS + at % FILTERS];
    }
    if RELU == 1 {
        value = max(value, 0.0);
    }
    output[at] = value;
}
