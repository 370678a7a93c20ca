// Max-pool forward, any window and stride: the largest value of each window and which element of it that is, of what lies in
// the image. (A 2 x 2 pool right after a convolution never comes here: conv_forward.wgsl has it in its epilogue.)
// With the part pool.

const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

const OUTPUTS: u32 = BATCH * OUTPUT_HEIGHT * OUTPUT_WIDTH * CHANNELS;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read_write> output: array<f32>; // [BATCH, OUTPUT_HEIGHT, OUTPUT_WIDTH, CHANNELS]
@group(0) @binding(2) var<storage, read_write> argmax: array<u32>; // as output: row-major element of the window

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= OUTPUTS {
        return;
    }
    let channel = at % CHANNELS;
    let x = at / CHANNELS % OUTPUT_WIDTH * STRIDE_X;
    let y = at / (CHANNELS * OUTPUT_WIDTH) % OUTPUT_HEIGHT * STRIDE_Y;
    let image = at / (CHANNELS * OUTPUT_WIDTH * OUTPUT_HEIGHT);
    // Of the window, with the padding as if it were part of the image: an address that may wrap round, and back.
    let corner = ((image * HEIGHT + y - PAD_TOP) * WIDTH + x - PAD_LEFT) * CHANNELS + channel;
    // Its elements outside of the image come first, or never.
    let outside = vec2(max(y, PAD_TOP) - y, max(x, PAD_LEFT) - x);
    var winner = outside.x * WINDOW_WIDTH + outside.y;
    var largest = input[corner + (outside.x * WIDTH + outside.y) * CHANNELS];
    for (var element = 1u; element < WINDOW_HEIGHT * WINDOW_WIDTH; element++) {
        let element_y = element / WINDOW_WIDTH;
        let element_x = element % WINDOW_WIDTH;
        if PADDED && (y + element_y - PAD_TOP >= HEIGHT || x + element_x - PAD_LEFT >= WIDTH) {
            continue;
        }
        let value = input[corner + (element_y * WIDTH + element_x) * CHANNELS];
        if value > largest {
            largest = value;
            winner = element;
        }
    }
    output[at] = largest;
    argmax[at] = winner;
}
