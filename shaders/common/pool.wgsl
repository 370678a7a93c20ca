// The geometry of pools, any window and stride, and where windows are.

const BATCH: u32 = 2;
const HEIGHT: u32 = 6;
const WIDTH: u32 = 6;
const CHANNELS: u32 = 3;
const WINDOW_HEIGHT: u32 = 2;
const WINDOW_WIDTH: u32 = 2;
const STRIDE_Y: u32 = 2;
const STRIDE_X: u32 = 2;
// Rows above the image and columns to the left of it that windows reach.
const PAD_TOP: u32 = 0;
const PAD_LEFT: u32 = 0;
const OUTPUT_HEIGHT: u32 = 3;
const OUTPUT_WIDTH: u32 = 3;

// Whether some window reaches beyond its image.
const PADDED: bool = PAD_TOP + PAD_LEFT > 0
    || (OUTPUT_HEIGHT - 1) * STRIDE_Y + WINDOW_HEIGHT > HEIGHT
    || (OUTPUT_WIDTH - 1) * STRIDE_X + WINDOW_WIDTH > WIDTH;

// Of an axis of an image that is so long: the first pixel under the window of output `at`, and the one behind the last.
fn pixels_under(at: u32, stride: u32, size: u32, pad: u32, length: u32) -> vec2<u32> {
    let first = at * stride;
    if !PADDED {
        return vec2(first, first + size);
    }
    return vec2(max(first, pad) - pad, min(first + size - pad, length));
}
