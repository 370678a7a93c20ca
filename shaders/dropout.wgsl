// Inverted dropout in place: zeroes a value with the layer's rate as probability, scales the others by SCALE = 1 / (1 - rate).
//
// Whether a value stays depends only on (seed, layer, step, place), so running it over the gradient of the same step
// repeats the same choice. Philox4x32-10: src/random.rs has the source and the known answers.
// With the part progress.

const VALUES: u32 = 128; // of a micro-batch
const LAYER: u32 = 0;
// A value stays when its random word is below KEEP = (1 - rate) * 2^32.
const KEEP: u32 = 2147483648;
const SCALE: f32 = 2.0;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> progress: Progress;
@group(0) @binding(1) var<storage, read_write> values: array<f32>; // [VALUES]

// High and low word of a product of two words, by 16-bit halves.
fn product(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffff) * (b & 0xffff);
    let middle = (a >> 16) * (b & 0xffff) + (low >> 16);
    let other = (a & 0xffff) * (b >> 16) + (middle & 0xffff);
    return vec2((a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16), a * b);
}

fn philox(start: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
    var counter = start;
    var key = seed;
    for (var round = 0; round < 10; round++) {
        let first = product(counter.x, 0xd2511f53);
        let second = product(counter.z, 0xcd9e8d57);
        counter = vec4(second.x ^ counter.y ^ key.x, second.y, first.x ^ counter.w ^ key.y, first.y);
        key += vec2(0x9e3779b9u, 0xbb67ae85u);
    }
    return counter;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let block = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    // Four values a block; the next micro-batch's blocks follow this one's.
    let block_of_batch = progress.micro_batch * ((VALUES + 3) / 4) + block;
    let words = philox(vec4(block_of_batch, progress.step, LAYER, 0), progress.seed);
    for (var lane = 0u; lane < 4; lane++) {
        let at = 4 * block + lane;
        if at < VALUES {
            values[at] = select(0.0, values[at] * SCALE, words[lane] < KEEP);
        }
    }
}
