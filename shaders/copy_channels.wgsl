// Copies the channels of a value into or out of a value that has more, side by side with others: a concatenation, and back,
// where the epilogue is that of conv_input_gradient.wgsl. With the part relu_mask.

const POSITIONS: u32 = 8;
const CHANNELS: u32 = 3;
// Channels of a position of either value, and before those that are copied.
const SOURCE_CHANNELS: u32 = 3;
const SOURCE_FIRST: u32 = 0;
const TARGET_CHANNELS: u32 = 5;
const TARGET_FIRST: u32 = 0;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> source: array<f32>; // [POSITIONS, SOURCE_CHANNELS]
@group(0) @binding(1) var<storage, read> input: array<f32>; // as copy
@group(0) @binding(2) var<storage, read_write> copy: array<f32>; // [POSITIONS, TARGET_CHANNELS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    let position = at / CHANNELS;
    if position >= POSITIONS {
        return;
    }
    var value = source[position * SOURCE_CHANNELS + SOURCE_FIRST + at % CHANNELS];
    let to = position * TARGET_CHANNELS + TARGET_FIRST + at % CHANNELS;
    if RELU_MASK == 1 {
        value = masked(value, input[to]);
    }
    copy[to] = value;
}
