// Of each channel and each partition of the positions that count, the sums of g xhat and of g: what a partition adds to
// the gradients of gamma and beta. g is the output's gradient times the activation's slope, xhat = (x - mean) inverse.
// A workgroup has a partition of some channels.
// With the parts activation, channels, partitions, positions and progress.

const BEFORE: u32 = 0; // 1: the slope is that at a sum with the other value
const ROUNDS: u32 = 8; // PARTITION = 4 ROUNDS LANES

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [POSITIONS, CHANNELS]
@group(0) @binding(1) var<storage, read> x: array<f32>; // as output_gradient
@group(0) @binding(2) var<storage, read> affine: array<f32>; // [4, CHANNELS]: mean, inverse, scale, shift
@group(0) @binding(3) var<storage, read> other: array<f32>; // as output_gradient
@group(0) @binding(4) var<storage, read> progress: Progress;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>; // [PARTITIONS, 2, CHANNELS]

// What one position adds, of a channel's mean, scale and shift.
fn terms(affine_of: vec3<f32>, value: f32, of_output: f32, of_other: f32, counts: bool) -> vec2<f32> {
    var gradient = of_output;
    if ACTIVATION > 0 {
        var given = value * affine_of.y + affine_of.z;
        if BEFORE == 1 {
            given += of_other;
        }
        gradient *= slope(given);
    }
    return select(vec2(0.0), vec2(gradient * (value - affine_of.x), gradient), counts);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    let real = real_positions(progress);
    let affine_of = vec3(
        affine[own.channel], affine[2 * CHANNELS + own.channel], affine[3 * CHANNELS + own.channel],
    );
    var sums = vec2(0.0);
    // Four positions a round, which are read ahead of the arithmetic: so a GPU waits for memory once. Lavapipe would unroll
    // a loop over single ones, whose code leaves the instruction cache.
    for (var round = 0u; round < ROUNDS; round++) {
        let positions = group.x * PARTITION + own.lane + (4 * round + vec4(0u, 1u, 2u, 3u)) * LANES;
        // Loaded whether it counts or not: a load under a condition takes longer.
        let at = min(positions, vec4(POSITIONS - 1)) * CHANNELS + own.channel;
        let counts = positions < vec4(real);
        let values = vec4(x[at.x], x[at.y], x[at.z], x[at.w]);
        let gradients =
            vec4(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]);
        var others = vec4(0.0);
        if ACTIVATION > 0 && BEFORE == 1 {
            others = vec4(other[at.x], other[at.y], other[at.z], other[at.w]);
        }
        sums += terms(affine_of, values.x, gradients.x, others.x, counts.x);
        sums += terms(affine_of, values.y, gradients.y, others.y, counts.y);
        sums += terms(affine_of, values.z, gradients.z, others.z, counts.z);
        sums += terms(affine_of, values.w, gradients.w, others.w, counts.w);
    }
    sums = sum_of_lanes(thread.x, sums, false);
    if own.lane > 0 || own.idle {
        return;
    }
    partials[2 * group.x * CHANNELS + own.channel] = sums.x * affine[CHANNELS + own.channel];
    partials[(2 * group.x + 1) * CHANNELS + own.channel] = sums.y;
}
