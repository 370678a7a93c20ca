// The moving means and variances of all normalisations, in buffers that they share:
//   moving += (1 - momentum) (the batch's - moving)
// where the batch's are the means of its micro-batches' ones, weighted by the rows that count, in order.
// With the part progress.

const BATCH: u32 = 2; // rows
const MICRO_BATCH: u32 = 2; // rows of it that go through the network at a time
const MICRO_BATCHES: u32 = 1;
const MICRO_BATCH_STRIDE: u32 = 128; // from what a micro-batch leaves among the gradients to what the next one does
const WORKGROUPS: u32 = 1;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> gradients: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> progress: Progress;
// [WORKGROUPS]: the place of each workgroup's normalisation in here. There are its first workgroup, how many numbers
// move (means, then variances), the first moving one, the first of a micro-batch's, and the bits of 1 - momentum.
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;

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
    let at = table[place + 2] + index;
    var of_batch = 0.0;
    for (var number = 0u; number < MICRO_BATCHES; number++) {
        let done = number * MICRO_BATCH;
        let weight = f32(min(max(rows, done) - done, MICRO_BATCH)) / f32(rows);
        of_batch += weight * gradients[table[place + 3] + number * MICRO_BATCH_STRIDE + index];
    }
    values[at] += bitcast<f32>(table[place + 4]) * (of_batch - values[at]);
}
