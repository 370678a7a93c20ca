// The gradients of gamma and beta of each channel: the partitions of batch_norm_gradient_sums.wgsl, added up. Each lane of a
// workgroup adds every LANES-th one.
// With the parts channels and partitions.

@group(0) @binding(0) var<storage, read> partials: array<f32>; // [PARTITIONS, 2, CHANNELS]
@group(0) @binding(1) var<storage, read_write> totals: array<f32>; // [2, CHANNELS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    let channel = min(own.channel, CHANNELS - 1);
    var sums = vec2(0.0);
    for (var part = own.lane; part < PARTITIONS; part += LANES) {
        sums += vec2(partials[2 * part * CHANNELS + channel], partials[(2 * part + 1) * CHANNELS + channel]);
    }
    of_lanes[thread.x] = sums;
    workgroupBarrier();
    if own.lane > 0 || own.channel >= CHANNELS {
        return;
    }
    sums = sum_of_lanes(thread.x);
    totals[channel] = sums.x;
    totals[CHANNELS + channel] = sums.y;
}
