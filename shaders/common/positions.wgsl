// The positions of a micro-batch, POSITIONS_PER_ROW in each of its rows. With progress.wgsl.

const BATCH: u32 = 2; // rows
const MICRO_BATCH: u32 = 2; // rows of it that go through the network at a time
const POSITIONS_PER_ROW: u32 = 36;

const POSITIONS: u32 = MICRO_BATCH * POSITIONS_PER_ROW;

// Those of rows that count: a last batch may be short.
fn real_positions(now: Progress) -> u32 {
    let before = now.batch * BATCH;
    let rows = min(max(now.samples, before) - before, BATCH);
    let done = now.micro_batch * MICRO_BATCH;
    return min(max(rows, done) - done, MICRO_BATCH) * POSITIONS_PER_ROW;
}
