// Gradient of a depthwise convolution's input: each adds up the gradients of the outputs that its taps reach. Epilogue as in
// conv_input_gradient.wgsl. With the parts convolution and relu_mask.

const MULTIPLIER: u32 = 1;
const THREADS: u32 = 8;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [BATCH, OUTPUT_HEIGHT, OUTPUT_WIDTH, FILTERS]
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [KERNEL_HEIGHT, KERNEL_WIDTH, FILTERS], then perhaps a bias
@group(0) @binding(2) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(3) var<storage, read_write> input_gradient: array<f32>; // as input

// Column x of a row of the outputs' gradient and the three behind it; zero outside, where a column may have wrapped round.
fn four_gradients(row: u32, x: u32) -> vec4<f32> {
    let columns = x + vec4(0u, 1u, 2u, 3u);
    let at = row + FILTERS * min(columns, vec4(OUTPUT_WIDTH - 1));
    let gradients = vec4(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]);
    return select(vec4(0.0), gradients, columns < vec4(OUTPUT_WIDTH));
}

// Four columns, a stride apart each: the same taps reach them. y and x are the first one's, with the padding; row and own
// are the row of the first output of its image and the channel.
fn four_columns(y: u32, x: u32, row: u32, own: u32) -> vec4<f32> {
    var sums = vec4(0.0);
    // Of the taps those that meet an output; one above or left of the first has coordinates that wrap round.
    for (var up = 0u; y % STRIDE_Y + up * STRIDE_Y < KERNEL_HEIGHT; up++) {
        let output_y = y / STRIDE_Y - up;
        if output_y >= OUTPUT_HEIGHT {
            continue;
        }
        for (var left = 0u; x % STRIDE_X + left * STRIDE_X < KERNEL_WIDTH; left++) {
            let tap = (y % STRIDE_Y + up * STRIDE_Y) * KERNEL_WIDTH + x % STRIDE_X + left * STRIDE_X;
            for (var each = own * MULTIPLIER; each < (own + 1) * MULTIPLIER; each++) {
                let gradients = four_gradients((row + output_y) * OUTPUT_WIDTH * FILTERS + each, x / STRIDE_X - left);
                sums = fma(gradients, vec4(weights[tap * FILTERS + each]), sums);
            }
        }
    }
    return sums;
}

// A workgroup makes one row of an image; its threads are channels.
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let image_row = group.y * GRID_WIDTH + group.x;
    let own = group.z * THREADS + thread.x;
    if image_row >= BATCH * HEIGHT || own >= CHANNELS {
        return;
    }
    let y = image_row % HEIGHT + PAD_TOP;
    let first_row = image_row / HEIGHT * OUTPUT_HEIGHT;
    for (var phase = 0u; phase < min(STRIDE_X, WIDTH); phase++) {
        for (var column = phase; column < WIDTH; column += 4 * STRIDE_X) {
            let sums = four_columns(y, column + PAD_LEFT, first_row, own);
            for (var lane = 0u; lane < 4 && column + lane * STRIDE_X < WIDTH; lane++) {
                let at = (image_row * WIDTH + column + lane * STRIDE_X) * CHANNELS + own;
                var sum = sums[lane];
                if RELU_MASK == 1 {
                    sum = masked(sum, input[at]);
                }
                input_gradient[at] = sum;
            }
        }
    }
}
