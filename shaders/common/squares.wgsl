// The sum of all gradients' squares, and where a step's factor goes. One workgroup: thread t adds sums t, t + THREADS, ...
// With workgroup_sum.wgsl and progress.wgsl.
const SUMS: u32 = 4;
const THREADS: u32 = 256;
const CLIP: f32 = 1.0; // the largest norm
const NUMBERS: u32 = 2; // of a step
const FACTOR: u32 = 1; // which of them the factor becomes

@group(0) @binding(0) var<storage, read> squares: array<f32>; // [SUMS]
@group(0) @binding(1) var<storage, read> progress: Progress;
@group(0) @binding(2) var<storage, read_write> rates: array<f32>; // [batches of the order, NUMBERS]

// For thread 0.
fn sum_of_squares(thread: u32) -> f32 {
    var sum = 0.0;
    for (var place = thread; place < SUMS; place += THREADS) {
        sum += squares[place];
    }
    return workgroup_sum(thread, sum);
}

fn keep_factor(factor: f32) {
    rates[progress.batch * NUMBERS + FACTOR] = factor;
}
