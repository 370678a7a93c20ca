// Of each channel and each partition of the positions that count: the sum of its values, and of their squared distances
// from the partition's own mean. A workgroup has a partition of some channels.
//
// A thread takes four values a round, whose distances are from their own mean, and joins them to those before: two sums
// of n and m values with means apart by d have n m / (n + m) d^2 more together (Chan, Golub and LeVeque, 1983). So each
// value is read once, and nothing is lost where the mean is far from 0.
// With the parts channels, partitions, positions and progress.

const ROUNDS: u32 = 8; // PARTITION = 4 ROUNDS LANES

@group(0) @binding(0) var<storage, read> x: array<f32>; // [POSITIONS, CHANNELS]
@group(0) @binding(1) var<storage, read> progress: Progress;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>; // [PARTITIONS, 2, CHANNELS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    let first = group.x * PARTITION;
    let end = min(real_positions(progress), first + PARTITION);
    var count = 0.0;
    var sums = vec2(0.0);
    for (var round = 0u; round < ROUNDS; round++) {
        let positions = first + own.lane + (4 * round + vec4(0u, 1u, 2u, 3u)) * LANES;
        // Loaded whether it counts or not: a load under a condition takes longer.
        let at = min(positions, vec4(POSITIONS - 1)) * CHANNELS + own.channel;
        let values = vec4(x[at.x], x[at.y], x[at.z], x[at.w]);
        let counts = select(vec4(0.0), vec4(1.0), positions < vec4(end));
        let number = dot(counts, vec4(1.0));
        let sum = dot(counts, values);
        let distances = counts * (values - sum / max(number, 1.0));
        let apart = sum / max(number, 1.0) - sums.x / max(count, 1.0);
        sums.y += dot(distances, distances) + apart * apart * count * number / max(count + number, 1.0);
        sums.x += sum;
        count += number;
    }
    sums = sum_of_lanes(thread.x, sums, false);
    if own.lane > 0 || own.idle {
        return;
    }
    // Positions of each lane; the first ones may have one more.
    let positions = max(end, first) - first;
    let mean = sums.x / max(f32(positions), 1.0);
    for (var lane = 0u; lane < LANES; lane++) {
        let number = f32(positions / LANES + u32(lane < positions % LANES));
        let distance = of_lanes[lane * CHANNEL_TILE + thread.x].x / max(number, 1.0) - mean;
        sums.y += number * distance * distance;
    }
    partials[2 * group.x * CHANNELS + own.channel] = sums.x;
    partials[(2 * group.x + 1) * CHANNELS + own.channel] = sums.y;
}
