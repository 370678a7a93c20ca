// The gradients of what pointwise.wgsl was given. With g, the output's gradient times the activation's slope, that of x
// is
//   scale (g - (total of g) / n - xhat (total of g xhat) / n)
// where x was normalised, xhat = (x - mean) inverse, n the positions that count and the others' gradient zero; else g
// itself. Then it goes through the ReLU and dropout that made x, as conv_input_gradient.wgsl's. The other value's
// gradient is g where it was added ahead of the activation, the output's where it was added to what that gave.
// With the parts activation, channels, positions, progress and relu_mask.

const NORMALISE: u32 = 1;
const BEFORE: u32 = 0; // 1: the slope is that at a sum with the other value
const AFTER: u32 = 0;
const WITH_OTHER: u32 = 0; // 1: the other value's gradient is made, too
const OTHER_MASK: u32 = 0; // 1: that value went through ReLU, and then dropout that scaled by OTHER_SCALE
const OTHER_SCALE: f32 = 1.0;
const POSITIONS_PER_THREAD: u32 = 8;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [POSITIONS, CHANNELS]
@group(0) @binding(1) var<storage, read> x: array<f32>; // as output_gradient
@group(0) @binding(2) var<storage, read> affine: array<f32>; // [4, CHANNELS]: mean, inverse, scale, shift
@group(0) @binding(3) var<storage, read> other: array<f32>; // as output_gradient
@group(0) @binding(4) var<storage, read> totals: array<f32>; // [2, CHANNELS]: of g xhat, of g
@group(0) @binding(5) var<storage, read> progress: Progress;
@group(0) @binding(6) var<storage, read_write> input_gradient: array<f32>; // as output_gradient
@group(0) @binding(7) var<storage, read_write> other_gradient: array<f32>; // as output_gradient

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    var real = POSITIONS;
    var scale = 1.0;
    var shift = 0.0;
    var offset = 0.0;
    var tilt = 0.0;
    if NORMALISE == 1 {
        real = real_positions(progress);
        let count = f32(real);
        scale = affine[2 * CHANNELS + own.channel];
        shift = affine[3 * CHANNELS + own.channel];
        tilt = scale * affine[CHANNELS + own.channel] * totals[own.channel] / count;
        offset = scale * totals[CHANNELS + own.channel] / count - tilt * affine[own.channel];
    }
    let first = group.x * LANES * POSITIONS_PER_THREAD + own.lane;
    for (var turn = 0u; turn < POSITIONS_PER_THREAD; turn++) {
        let position = first + turn * LANES;
        if position < POSITIONS && !own.idle {
            let at = position * CHANNELS + own.channel;
            var gradient = output_gradient[at];
            var value = 0.0;
            if NORMALISE == 1 || ACTIVATION > 0 || RELU_MASK == 1 {
                value = x[at];
            }
            var of_other = gradient;
            if ACTIVATION > 0 {
                var given = value;
                if NORMALISE == 1 {
                    given = value * scale + shift;
                }
                if BEFORE == 1 {
                    given += other[at];
                }
                gradient *= slope(given);
            }
            if WITH_OTHER == 1 {
                if AFTER == 0 {
                    of_other = gradient;
                }
                if OTHER_MASK == 1 {
                    of_other = select(0.0, of_other * OTHER_SCALE, other[at] > 0.0);
                }
                other_gradient[at] = select(0.0, of_other, position < real);
            }
            if NORMALISE == 1 {
                gradient = scale * gradient - offset - tilt * value;
            }
            if RELU_MASK == 1 {
                gradient = masked(gradient, value);
            }
            input_gradient[at] = select(0.0, gradient, position < real);
        }
    }
}
