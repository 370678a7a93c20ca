// The gradients of gamma and beta of each channel: the partitions of batch_norm_gradient_sums.wgsl, added up. Each lane
// of a workgroup adds every LANES-th one.
// With the parts channels, partitions, read_ahead and partials.

@group(0) @binding(0) var<storage, read> partials: array<f32>; // [PARTITIONS, 2, CHANNELS]
@group(0) @binding(1) var<storage, read_write> totals: array<f32>; // [2, CHANNELS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    var sums = vec2(0.0);
    for (var part = own.lane; READ_AHEAD == 1 && part < PARTITIONS; part += 4 * LANES) {
        let of_gamma = four_partials(0, part, own.channel);
        let of_beta = four_partials(1, part, own.channel);
        let left = turns_left(part, PARTITIONS);
        sums = vec2(added_in_order(sums.x, of_gamma, left), added_in_order(sums.y, of_beta, left));
    }
    for (var part = own.lane; READ_AHEAD == 0 && part < PARTITIONS; part += LANES) {
        sums += vec2(partials[2 * part * CHANNELS + own.channel], partials[(2 * part + 1) * CHANNELS + own.channel]);
    }
    sums = sum_of_lanes(thread.x, sums, false);
    if own.lane > 0 || own.idle {
        return;
    }
    totals[own.channel] = sums.x;
    totals[CHANNELS + own.channel] = sums.y;
}
