// Copies a buffer, as fast as an adapter's memory lets it: each word is read once and written once.
// No part of training; it measures the ceiling that the other kernels are held against.

const WORDS: u32 = 4096;
const THREADS: u32 = 64;
const THREAD_WORDS: u32 = 4; // of one thread
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> source: array<f32>; // [WORDS]
@group(0) @binding(1) var<storage, read_write> copy: array<f32>; // [WORDS]

// Neighbouring threads have neighbouring words.
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let first = (group.y * GRID_WIDTH + group.x) * THREADS * THREAD_WORDS + thread.x;
    for (var word = 0u; word < THREAD_WORDS; word++) {
        let at = first + word * THREADS;
        if at < WORDS {
            copy[at] = source[at];
        }
    }
}
