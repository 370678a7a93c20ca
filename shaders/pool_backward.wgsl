// Max-pool backward, any window and stride: each input adds up the gradients of the windows it is the largest of.
// Gathering per input, not scattering per window, needs no atomics where windows overlap.
// The epilogue carries the gradient through the ReLU and dropout that made the input, as conv_input_gradient.wgsl.
// With the parts pool and relu_mask.

const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

const INPUTS: u32 = BATCH * HEIGHT * WIDTH * CHANNELS;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [BATCH, OUTPUT_HEIGHT, OUTPUT_WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> argmax: array<u32>; // as output_gradient
@group(0) @binding(2) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(3) var<storage, read_write> input_gradient: array<f32>; // as input

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= INPUTS {
        return;
    }
    let channel = at % CHANNELS;
    let x = at / CHANNELS % WIDTH + PAD_LEFT;
    let y = at / (CHANNELS * WIDTH) % HEIGHT + PAD_TOP;
    let image = at / (CHANNELS * WIDTH * HEIGHT);
    var sum = 0.0;
    // Of all elements of a window, those that can be this input.
    for (var element_y = y % STRIDE_Y; element_y < WINDOW_HEIGHT; element_y += STRIDE_Y) {
        for (var element_x = x % STRIDE_X; element_x < WINDOW_WIDTH; element_x += STRIDE_X) {
            let output_y = (y - element_y) / STRIDE_Y;
            let output_x = (x - element_x) / STRIDE_X;
            if element_y <= y && element_x <= x && output_y < OUTPUT_HEIGHT && output_x < OUTPUT_WIDTH {
                let output = ((image * OUTPUT_HEIGHT + output_y) * OUTPUT_WIDTH + output_x) * CHANNELS + channel;
                if argmax[output] == element_y * WINDOW_WIDTH + element_x {
                    sum += output_gradient[output];
                }
            }
        }
    }
    if RELU_MASK == 1 {
        sum = masked(sum, input[at]);
    }
    input_gradient[at] = sum;
}
