// Two sums of each channel over positions, in partitions of PARTITION positions. With channels.wgsl.

const PARTITIONS: u32 = 1;
const PARTITION: u32 = 512;

var<workgroup> of_lanes: array<vec2<f32>, THREADS>;

// Of the thread's channel, the sums of all lanes, in order.
fn sum_of_lanes(thread: u32) -> vec2<f32> {
    var sums = vec2(0.0);
    for (var lane = 0u; lane < LANES; lane++) {
        sums += of_lanes[lane * CHANNEL_TILE + thread % CHANNEL_TILE];
    }
    return sums;
}
