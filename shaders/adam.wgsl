// Adam (Kingma and Ba, 2015) in Keras' form, for one layer's weights:
//   m += (1 - 0.9) (g - m);  v += (1 - 0.999) (g^2 - v);  w -= rate m / (sqrt(v) + 1e-7)
// where rate = learning rate * sqrt(1 - 0.999^t) / (1 - 0.9^t), which the host computes in f64 for each step.
// The gradient's slots are added up here, in order, a portion of the batch after the other.
// With the part progress.

const VALUES: u32 = 128;
const SLOTS: u32 = 1;
const PORTIONS: u32 = 1;
const PORTION_STRIDE: u32 = 128; // from a portion's slots to the next one's
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [PORTIONS, PORTION_STRIDE], of which [SLOTS, VALUES] is used
@group(0) @binding(1) var<storage, read> rates: array<f32>; // [batches of the order]
@group(0) @binding(2) var<storage, read> progress: Progress;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>; // [VALUES]
@group(0) @binding(4) var<storage, read_write> first_moment: array<f32>; // [VALUES]
@group(0) @binding(5) var<storage, read_write> second_moment: array<f32>; // [VALUES]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= VALUES {
        return;
    }
    var slope = gradient[at];
    for (var slot = 1u; slot < PORTIONS * SLOTS; slot++) {
        slope += gradient[slot / SLOTS * PORTION_STRIDE + slot % SLOTS * VALUES + at];
    }
    let m = first_moment[at] + 0.1 * (slope - first_moment[at]);
    let v = second_moment[at] + 0.001 * (slope * slope - second_moment[at]);
    first_moment[at] = m;
    second_moment[at] = v;
    weights[at] -= rates[progress.batch] * m / (sqrt(v) + 1e-7);
}
