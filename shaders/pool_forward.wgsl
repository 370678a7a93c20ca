// Max-pool forward, any window and stride: the largest value of each window and which element of it that is.
// (A 2 x 2 pool right after a convolution never comes here: conv_forward.wgsl has it in its epilogue.)
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
    let corner = ((image * HEIGHT + y) * WIDTH + x) * CHANNELS + channel;
    var largest = input[corner];
    var winner = 0u;
    for (var element = 1u; element < WINDOW_HEIGHT * WINDOW_WIDTH; element++) {
        let value = input[corner + (element / WINDOW_WIDTH * WIDTH + element % WINDOW_WIDTH) * CHANNELS];
        if value > largest {
            largest = value;
            winner = element;
        }
    }
    output[at] = largest;
    argmax[at] = winner;
}
