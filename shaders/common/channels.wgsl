// Values [positions, CHANNELS], channels last. A workgroup has CHANNEL_TILE neighbouring channels of LANES positions at a
// time; z of its place counts tiles. So a thread keeps its channel, and finds it once.

const CHANNELS: u32 = 16;
const CHANNEL_TILE: u32 = 16;
const LANES: u32 = 16; // THREADS / CHANNEL_TILE
const THREADS: u32 = 256;

struct Own {
    lane: u32, // from LANES on: a thread without one
    channel: u32, // from CHANNELS on: none
}

fn own_place(thread: u32, tile: u32) -> Own {
    return Own(thread / CHANNEL_TILE, tile * CHANNEL_TILE + thread % CHANNEL_TILE);
}
