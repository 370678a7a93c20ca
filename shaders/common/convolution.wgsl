// The geometry of a convolution with, for POOL > 1, a POOL x POOL max-pool behind it; a dense layer is a 1 x 1 convolution over
// a 1 x 1 image.

const BATCH: u32 = 2;
const HEIGHT: u32 = 6;
const WIDTH: u32 = 6;
const CHANNELS: u32 = 1;
const KERNEL_HEIGHT: u32 = 3;
const KERNEL_WIDTH: u32 = 3;
const STRIDE_Y: u32 = 1;
const STRIDE_X: u32 = 1;
const PAD_TOP: u32 = 0;
const PAD_LEFT: u32 = 0;
const OUTPUT_HEIGHT: u32 = 4;
const OUTPUT_WIDTH: u32 = 4;
const FILTERS: u32 = 8;
const POOL: u32 = 2;

const WINDOW_ELEMENTS: u32 = POOL * POOL;
const POOLED_HEIGHT: u32 = OUTPUT_HEIGHT / POOL;
const POOLED_WIDTH: u32 = OUTPUT_WIDTH / POOL;
// Pooled positions of the whole batch.
const POSITIONS: u32 = BATCH * POOLED_HEIGHT * POOLED_WIDTH;
// Values of a patch: taps times channels.
const DEPTH: u32 = KERNEL_HEIGHT * KERNEL_WIDTH * CHANNELS;
