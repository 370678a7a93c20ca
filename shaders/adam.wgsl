// Adam (Kingma and Ba, 2015) in Keras' form, for many variables in buffers that they share:
//   m += (1 - beta_1) (g - m);  v += (1 - beta_2) (g^2 - v);  w -= rate m / (sqrt(v) + epsilon)
// where rate = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t), which the host computes in f64 for each step.
// The partitions of a gradient are added up here, in order, a micro-batch after the other.
// With the part progress.

const STEP_1: f32 = 0.1; // 1 - beta_1
const STEP_2: f32 = 0.001; // 1 - beta_2
const EPSILON: f32 = 1e-7;
const VARIABLES: u32 = 1;
const SEARCH: u32 = 0; // the largest power of two below VARIABLES
const MICRO_BATCHES: u32 = 1;
const MICRO_BATCH_STRIDE: u32 = 128; // from a micro-batch's gradients to the next one's
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

struct Variable {
    workgroup: u32, // the first of its own
    first: u32, // its first value, and that of its moments
    words: u32,
    gradient: u32, // the first partition of its gradient
    partitions: u32,
    stride: u32, // from a partition to the next one
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> rates: array<f32>; // [batches of the order]
@group(0) @binding(2) var<storage, read> progress: Progress;
@group(0) @binding(3) var<storage, read> variables: array<Variable>; // [VARIABLES], by their first workgroups
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(6) var<storage, read_write> second_moment: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = group.y * GRID_WIDTH + group.x;
    // The last variable that begins at this workgroup or before.
    var number = 0u;
    for (var step = SEARCH; step > 0; step /= 2) {
        if number + step < VARIABLES && variables[number + step].workgroup <= own {
            number += step;
        }
    }
    let variable = variables[number];
    let index = (own - variable.workgroup) * THREADS + thread.x;
    if index >= variable.words {
        return;
    }
    var place = variable.gradient + index;
    var sum = gradient[place];
    var part = 1u;
    for (var micro_batch = 0u; micro_batch < MICRO_BATCHES; micro_batch++) {
        for (; part < variable.partitions; part++) {
            sum += gradient[place + part * variable.stride];
        }
        part = 0u;
        place += MICRO_BATCH_STRIDE;
    }
    let at = variable.first + index;
    let m = first_moment[at] + STEP_1 * (sum - first_moment[at]);
    let v = second_moment[at] + STEP_2 * (sum * sum - second_moment[at]);
    first_moment[at] = m;
    second_moment[at] = v;
    weights[at] -= rates[progress.batch] * m / (sqrt(v) + EPSILON);
}
