// What a lane reads ahead of partials [PARTITIONS, 2, CHANNELS]: four of its turns, each LANES partitions further. With
// channels.wgsl, partitions.wgsl and read_ahead.wgsl.

fn four_turns(part: u32) -> vec4<u32> {
    return part + vec4(0u, 1u, 2u, 3u) * LANES;
}

// Sums `row` of the turns from the partition `part` on; past the last partition, that again.
fn four_partials(row: u32, part: u32, channel: u32) -> vec4<f32> {
    let at = (2 * min(four_turns(part), vec4(PARTITIONS - 1)) + row) * CHANNELS + channel;
    return vec4(partials[at.x], partials[at.y], partials[at.z], partials[at.w]);
}

// The turns that are left from the partition `part` on.
fn turns_left(part: u32, partitions: u32) -> u32 {
    return (max(partitions, part) - part + LANES - 1) / LANES;
}
