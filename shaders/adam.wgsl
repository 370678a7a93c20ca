// Adam (Kingma and Ba, 2015) in Keras' form, for many variables in buffers that they share:
//   m += (1 - beta_1) (g - m);  v += (1 - beta_2) (g^2 - v);  w -= rate m / (sqrt(v) + epsilon)
// where rate = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t), which the host computes in f64 for each step.
// The partitions of a gradient are added up here, in order, a micro-batch after the other.
// With the part progress.

const STEP_1: f32 = 0.1; // 1 - beta_1
const STEP_2: f32 = 0.001; // 1 - beta_2
const EPSILON: f32 = 1e-7;
const WORKGROUPS: u32 = 2;
const MICRO_BATCHES: u32 = 1;
const MICRO_BATCH_STRIDE: u32 = 128; // from a micro-batch's gradients to the next one's
const THREADS: u32 = 64;
const VALUES_PER_THREAD: u32 = 4; // finding the variable takes as long as updating a value
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> rates: array<f32>; // [batches of the order]
@group(0) @binding(2) var<storage, read> progress: Progress;
// [WORKGROUPS]: the place of each workgroup's variable in here. There are its first workgroup, its words, its first
// value (and that of its moments), the first partition of its gradient, the number of partitions, and words from one to
// the next.
@group(0) @binding(3) var<storage, read> variables: array<u32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(6) var<storage, read_write> second_moment: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = group.y * GRID_WIDTH + group.x;
    if own >= WORKGROUPS {
        return;
    }
    let variable = variables[own];
    let words = variables[variable + 1];
    let first_value = variables[variable + 2];
    let first_partition = variables[variable + 3];
    let partitions = variables[variable + 4];
    let stride = variables[variable + 5];
    let first = (own - variables[variable]) * THREADS * VALUES_PER_THREAD + thread.x;
    for (var turn = 0u; turn < VALUES_PER_THREAD; turn++) {
        let index = first + turn * THREADS;
        if index >= words {
            return;
        }
        var place = first_partition + index;
        var sum = gradient[place];
        for (var part = 1u; part < partitions; part++) {
            sum += gradient[place + part * stride];
        }
        for (var micro_batch = 1u; micro_batch < MICRO_BATCHES; micro_batch++) {
            place += MICRO_BATCH_STRIDE;
            for (var part = 0u; part < partitions; part++) {
                sum += gradient[place + part * stride];
            }
        }
        let at = first_value + index;
        let m = first_moment[at] + STEP_1 * (sum - first_moment[at]);
        let v = second_moment[at] + STEP_2 * (sum * sum - second_moment[at]);
        first_moment[at] = m;
        second_moment[at] = v;
        weights[at] -= rates[progress.batch] * m / (sqrt(v) + EPSILON);
    }
}
