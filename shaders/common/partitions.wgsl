// Two sums of each channel over positions, in partitions of PARTITION positions. With channels.wgsl.

const PARTITIONS: u32 = 1;
const PARTITION: u32 = 512;

var<workgroup> of_lanes: array<vec2<f32>, THREADS>;

// Of the thread's channel, the sums of what all lanes have, in order: for the threads of the first lane, or for
// everyone.
fn sum_of_lanes(thread: u32, own: vec2<f32>, everyone: bool) -> vec2<f32> {
    of_lanes[thread] = own;
    workgroupBarrier();
    var sums = vec2(0.0);
    if everyone || thread < CHANNEL_TILE {
        for (var lane = 0u; lane < LANES; lane++) {
            sums += of_lanes[lane * CHANNEL_TILE + thread % CHANNEL_TILE];
        }
    }
    return sums;
}
