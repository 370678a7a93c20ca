// The geometry of a max-pool, any window and stride.

const BATCH: u32 = 2;
const HEIGHT: u32 = 6;
const WIDTH: u32 = 6;
const CHANNELS: u32 = 3;
const WINDOW_HEIGHT: u32 = 2;
const WINDOW_WIDTH: u32 = 2;
const STRIDE_Y: u32 = 2;
const STRIDE_X: u32 = 2;
const OUTPUT_HEIGHT: u32 = 3;
const OUTPUT_WIDTH: u32 = 3;
