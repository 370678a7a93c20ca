// What follows a product, number by number: output = activate(x * scale + shift + other), or activate(x * scale +
// shift) + other. Each part is there where its constant says so; without any it is a copy.
// With the parts activation and channels.

const POSITIONS: u32 = 256; // of one channel where all are treated alike
const NORMALISE: u32 = 1; // 1: each channel is scaled and moved
const BEFORE: u32 = 0; // 1: the other one is added ahead of the activation
const AFTER: u32 = 0; // 1: to what that gives
const POSITIONS_PER_THREAD: u32 = 8;

@group(0) @binding(0) var<storage, read> x: array<f32>; // [POSITIONS, CHANNELS]
@group(0) @binding(1) var<storage, read> affine: array<f32>; // [4, CHANNELS]: the last two are scale and shift
@group(0) @binding(2) var<storage, read> other: array<f32>; // as x
@group(0) @binding(3) var<storage, read_write> output: array<f32>; // as x

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    let first = group.x * LANES * POSITIONS_PER_THREAD + own.lane;
    var scale = 1.0;
    var shift = 0.0;
    if NORMALISE == 1 {
        scale = affine[2 * CHANNELS + own.channel];
        shift = affine[3 * CHANNELS + own.channel];
    }
    for (var turn = 0u; turn < POSITIONS_PER_THREAD; turn++) {
        let position = first + turn * LANES;
        if position < POSITIONS && !own.idle {
            let at = position * CHANNELS + own.channel;
            var value = x[at];
            if NORMALISE == 1 {
                value = value * scale + shift;
            }
            if BEFORE == 1 {
                value += other[at];
            }
            value = activate(value);
            if AFTER == 1 {
                value += other[at];
            }
            output[at] = value;
        }
    }
}
