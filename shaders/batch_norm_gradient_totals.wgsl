// The gradients of gamma and beta of each channel: the partitions of batch_norm_gradient_sums.wgsl, added up. Each lane
// of a workgroup adds every LANES-th one.
// With the parts channels and partitions.

@group(0) @binding(0) var<storage, read> partials: array<f32>; // [PARTITIONS, 2, CHANNELS]
@group(0) @binding(1) var<storage, read_write> totals: array<f32>; // [2, CHANNELS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    var sums = vec2(0.0);
    for (var part = own.lane; part < PARTITIONS; part += LANES) {
        sums += vec2(partials[2 * part * CHANNELS + own.channel], partials[(2 * part + 1) * CHANNELS + own.channel]);
    }
    sums = sum_of_lanes(thread.x, sums, false);
    if own.lane > 0 || own.idle {
        return;
    }
    totals[own.channel] = sums.x;
    totals[CHANNELS + own.channel] = sums.y;
}
