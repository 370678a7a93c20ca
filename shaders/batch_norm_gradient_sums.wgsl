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

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    let real = real_positions(progress);
    let mean = affine[own.channel];
    let scale = affine[2 * CHANNELS + own.channel];
    let shift = affine[3 * CHANNELS + own.channel];
    var sums = vec2(0.0);
    for (var round = 0u; round < 4 * ROUNDS; round++) {
        let position = group.x * PARTITION + own.lane + round * LANES;
        // Loaded whether it counts or not: a load under a condition takes longer.
        let at = min(position, POSITIONS - 1) * CHANNELS + own.channel;
        let value = x[at];
        var gradient = output_gradient[at];
        if ACTIVATION > 0 {
            var given = value * scale + shift;
            if BEFORE == 1 {
                given += other[at];
            }
            gradient *= slope(given);
        }
        sums += select(vec2(0.0), vec2(gradient * (value - mean), gradient), position < real);
    }
    sums = sum_of_lanes(thread.x, sums, false);
    if own.lane > 0 || own.idle {
        return;
    }
    partials[2 * group.x * CHANNELS + own.channel] = sums.x * affine[CHANNELS + own.channel];
    partials[(2 * group.x + 1) * CHANNELS + own.channel] = sums.y;
}
