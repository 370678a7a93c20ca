// The last pass of a portion of a batch: adds up its losses and hits in a fixed order, logs them, and moves on to the next
// portion or batch. One workgroup: thread t adds rows t, t + THREADS, ...; then thread 0 adds the threads' sums.
// With the part progress.

const PORTION: u32 = 2; // rows
const PORTIONS: u32 = 1; // of a batch
// 1: this was a training step, so Adam's time goes on as well.
const TRAINING: u32 = 1;
const THREADS: u32 = 64;

@group(0) @binding(0) var<storage, read> losses: array<f32>; // [PORTION]
@group(0) @binding(1) var<storage, read> hits: array<u32>; // [PORTION]
@group(0) @binding(2) var<storage, read_write> progress: Progress;
@group(0) @binding(3) var<storage, read_write> log: array<u32>; // [batches, 2]: sum of losses as bits of f32, hits

var<workgroup> loss_sums: array<f32, THREADS>;
var<workgroup> hit_sums: array<u32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
    var loss = 0.0;
    var hit = 0u;
    for (var row = thread; row < PORTION; row += THREADS) {
        loss += losses[row];
        hit += hits[row];
    }
    loss_sums[thread] = loss;
    hit_sums[thread] = hit;
    workgroupBarrier();
    if thread == 0 {
        for (var other = 1u; other < THREADS; other++) {
            loss += loss_sums[other];
            hit += hit_sums[other];
        }
        if progress.portion > 0 {
            loss += bitcast<f32>(log[2 * progress.batch]);
            hit += log[2 * progress.batch + 1];
        }
        log[2 * progress.batch] = bitcast<u32>(loss);
        log[2 * progress.batch + 1] = hit;
        progress.portion++;
        if progress.portion == PORTIONS {
            progress.portion = 0;
            progress.batch++;
            progress.time += TRAINING;
        }
    }
}
