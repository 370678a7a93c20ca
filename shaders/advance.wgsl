// The last pass of a micro-batch: adds up its losses and correct predictions in a fixed order, logs them, and moves
// on to the next micro-batch or batch. One workgroup: thread t adds rows t, t + THREADS, ...; then thread 0 adds the threads' sums.
// With the part progress.

const MICRO_BATCH: u32 = 2; // rows
const MICRO_BATCHES: u32 = 1; // of a batch
// 1: this was a training step, so the step goes on as well.
const TRAINING: u32 = 1;
const THREADS: u32 = 64;

@group(0) @binding(0) var<storage, read> losses: array<f32>; // [MICRO_BATCH]
@group(0) @binding(1) var<storage, read> correct: array<u32>; // [MICRO_BATCH]
@group(0) @binding(2) var<storage, read_write> progress: Progress;
@group(0) @binding(3) var<storage, read_write> log: array<u32>; // [batches, 2]: sum of losses as bits of f32, count

var<workgroup> loss_sums: array<f32, THREADS>;
var<workgroup> count_sums: array<u32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
    var loss = 0.0;
    var count = 0u;
    for (var row = thread; row < MICRO_BATCH; row += THREADS) {
        loss += losses[row];
        count += correct[row];
    }
    loss_sums[thread] = loss;
    count_sums[thread] = count;
    workgroupBarrier();
    if thread == 0 {
        for (var other = 1u; other < THREADS; other++) {
            loss += loss_sums[other];
            count += count_sums[other];
        }
        if progress.micro_batch > 0 {
            loss += bitcast<f32>(log[2 * progress.batch]);
            count += log[2 * progress.batch + 1];
        }
        log[2 * progress.batch] = bitcast<u32>(loss);
        log[2 * progress.batch + 1] = count;
        progress.micro_batch++;
        if progress.micro_batch == MICRO_BATCHES {
            progress.micro_batch = 0;
            progress.batch++;
            progress.step += TRAINING;
        }
    }
}
