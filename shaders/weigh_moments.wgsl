// Multiplies the means and variances that micro-batches left among the gradients by their parts of the batch's rows, so
// that the sums of these are the batch's.
// With the part progress.

const BATCH: u32 = 2; // rows
const MICRO_BATCH: u32 = 2; // rows of it that go through the network at a time
const FIRST: u32 = 0; // the micro-batch whose gradients are the first ones
const MICRO_BATCHES: u32 = 1; // from it on
const MICRO_BATCH_STRIDE: u32 = 128; // from what a micro-batch leaves among the gradients to what the next one does
const WORKGROUPS: u32 = 1;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read_write> gradients: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> progress: Progress;
@group(0) @binding(2) var<storage, read> table: array<u32>; // moving_statistics.wgsl has what is in it

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = group.y * GRID_WIDTH + group.x;
    let before = progress.batch * BATCH;
    let rows = min(max(progress.samples, before) - before, BATCH);
    if own >= WORKGROUPS || rows == 0 {
        return;
    }
    let place = table[own];
    let index = (own - table[place]) * THREADS + thread.x;
    if index >= table[place + 1] {
        return;
    }
    for (var number = 0u; number < MICRO_BATCHES; number++) {
        let done = (FIRST + number) * MICRO_BATCH;
        let weight = f32(min(max(rows, done) - done, MICRO_BATCH)) / f32(rows);
        gradients[table[place + 3] + number * MICRO_BATCH_STRIDE + index] *= weight;
    }
}
