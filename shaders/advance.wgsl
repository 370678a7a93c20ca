// The last pass of a micro-batch: adds up its losses and correct predictions in a fixed order, logs them in a row of
// their own or with those of the micro-batches before, and moves on to the next micro-batch or batch. One workgroup:
// thread t adds rows t, t + THREADS, ...; then thread 0 adds the threads' sums.
// With the part progress.

const MICRO_BATCH: u32 = 2; // rows
const MICRO_BATCHES: u32 = 1; // of a batch
// 1: this was a training step, so the step goes on as well.
const TRAINING: u32 = 1;
const ROWS: u32 = 1; // of the log, that a batch has: one, or one a micro-batch
const THREADS: u32 = 64;

@group(0) @binding(0) var<storage, read> losses: array<f32>; // [MICRO_BATCH]
@group(0) @binding(1) var<storage, read> correct: array<u32>; // [MICRO_BATCH]
@group(0) @binding(2) var<storage, read_write> progress: Progress;
@group(0) @binding(3) var<storage, read_write> log: array<u32>; // [batches, ROWS, 2]: sum of losses as bits of f32, count

var<workgroup> loss_sums: array<f32, THREADS>;
var<workgroup> count_sums: array<u32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
    // Read ahead of the sums, which wait no longer for all than for one.
    let now = progress;
    let row = now.batch * ROWS + now.micro_batch % ROWS;
    let logged = vec2(log[2 * row], log[2 * row + 1]);
    var loss = 0.0;
    var count = 0u;
    for (var at = thread; at < MICRO_BATCH; at += THREADS) {
        loss += losses[at];
        count += correct[at];
    }
    loss_sums[thread] = loss;
    count_sums[thread] = count;
    workgroupBarrier();
    if thread == 0 {
        loss = 0.0;
        count = 0u;
        for (var first = 0u; first < THREADS; first += 4) {
            let four = vec4(loss_sums[first], loss_sums[first + 1], loss_sums[first + 2], loss_sums[first + 3]);
            loss = loss + four.x + four.y + four.z + four.w;
            count += count_sums[first] + count_sums[first + 1] + count_sums[first + 2] + count_sums[first + 3];
        }
        if ROWS == 1 && now.micro_batch > 0 {
            loss += bitcast<f32>(logged.x);
            count += logged.y;
        }
        log[2 * row] = bitcast<u32>(loss);
        log[2 * row + 1] = count;
        let is_last = now.micro_batch + 1 == MICRO_BATCHES;
        progress.micro_batch = select(now.micro_batch + 1, 0u, is_last);
        if is_last {
            progress.batch = now.batch + 1;
            progress.step = now.step + TRAINING;
        }
    }
}
