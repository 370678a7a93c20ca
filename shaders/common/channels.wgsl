// Values [positions, CHANNELS], channels last. A workgroup has CHANNEL_TILE neighbouring channels of LANES positions at
// a time; z of its place counts tiles. So a thread keeps its channel, and finds it once.

const CHANNELS: u32 = 16;
const CHANNEL_TILE: u32 = 16;
const LANES: u32 = 16; // THREADS / CHANNEL_TILE
const THREADS: u32 = 256;

struct Own {
    lane: u32,
    channel: u32,
    idle: bool, // a thread that is left over, beyond the last lane or channel
}

fn own_place(thread: u32, tile: u32) -> Own {
    let lane = thread / CHANNEL_TILE;
    let channel = tile * CHANNEL_TILE + thread % CHANNEL_TILE;
    return Own(lane, min(channel, CHANNELS - 1), lane >= LANES || channel >= CHANNELS);
}
