// What gradients are multiplied by so that their global norm, the root of the sum of all squares, is CLIP at most:
//   min(1, CLIP / norm)
// One workgroup: thread t adds sums t, t + THREADS, ...
// With the parts progress and workgroup_sum.

const SUMS: u32 = 4;
const THREADS: u32 = 256;
const CLIP: f32 = 1.0;
const NUMBERS: u32 = 2; // of a step
const FACTOR: u32 = 1; // which of them it becomes

@group(0) @binding(0) var<storage, read> squares: array<f32>; // [SUMS]
@group(0) @binding(1) var<storage, read> progress: Progress;
@group(0) @binding(2) var<storage, read_write> rates: array<f32>; // [batches of the order, NUMBERS]

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
    var sum = 0.0;
    for (var place = thread; place < SUMS; place += THREADS) {
        sum += squares[place];
    }
    sum = workgroup_sum(thread, sum);
    if thread == 0 {
        let norm = sqrt(sum);
        var factor = 1.0;
        // Not so where it is no number.
        if norm > CLIP {
            factor = CLIP / norm;
        }
        rates[progress.batch * NUMBERS + FACTOR] = factor;
    }
}
