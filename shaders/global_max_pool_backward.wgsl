// Gradient of the input of a max-pool over the whole image: those that equal the largest value share it equally.
// Epilogue as in conv_input_gradient.wgsl. With the part relu_mask.

const BATCH: u32 = 2;
const PIXELS: u32 = 36; // H * W
const CHANNELS: u32 = 3;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [BATCH, CHANNELS]
@group(0) @binding(1) var<storage, read> input: array<f32>; // [BATCH, PIXELS, CHANNELS]
@group(0) @binding(2) var<storage, read_write> input_gradient: array<f32>; // as input

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= BATCH * CHANNELS {
        return;
    }
    let first = at / CHANNELS * PIXELS * CHANNELS + at % CHANNELS;
    // What the pool put out may have changed since: dropout works in place.
    var largest = input[first];
    var equals = 1u;
    for (var pixel = 1u; pixel < PIXELS; pixel++) {
        let value = input[first + pixel * CHANNELS];
        if value > largest {
            largest = value;
            equals = 1u;
        } else if value == largest {
            equals++;
        }
    }
    var share = output_gradient[at] / f32(equals);
    if RELU_MASK == 1 {
        share = masked(share, largest);
    }
    for (var pixel = 0u; pixel < PIXELS; pixel++) {
        let place = first + pixel * CHANNELS;
        input_gradient[place] = select(0.0, share, input[place] == largest);
    }
}
