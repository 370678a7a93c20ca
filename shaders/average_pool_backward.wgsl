// Average-pool backward, any window and stride: each input adds up its parts of the gradients of the windows that it is in.
// Epilogue as in conv_input_gradient.wgsl. With the parts pool and relu_mask.

const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [BATCH, OUTPUT_HEIGHT, OUTPUT_WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(2) var<storage, read_write> input_gradient: array<f32>; // as input

// The first of `count` windows that cover place `at` of an axis, counted with the padding, and the one behind the last.
fn windows_over(at: u32, stride: u32, size: u32, count: u32) -> vec2<u32> {
    let first = select(0u, (at - size) / stride + 1, at >= size);
    return vec2(first, min(at / stride + 1, count));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= BATCH * HEIGHT * WIDTH * CHANNELS {
        return;
    }
    let columns = windows_over(at / CHANNELS % WIDTH + PAD_LEFT, STRIDE_X, WINDOW_WIDTH, OUTPUT_WIDTH);
    let rows = windows_over(at / (CHANNELS * WIDTH) % HEIGHT + PAD_TOP, STRIDE_Y, WINDOW_HEIGHT, OUTPUT_HEIGHT);
    let first_row = at / (CHANNELS * WIDTH * HEIGHT) * OUTPUT_HEIGHT;
    var gradient = 0.0;
    for (var y = rows.x; y < rows.y; y++) {
        let pixels_y = pixels_under(y, STRIDE_Y, WINDOW_HEIGHT, PAD_TOP, HEIGHT);
        for (var x = columns.x; x < columns.y; x++) {
            let pixels_x = pixels_under(x, STRIDE_X, WINDOW_WIDTH, PAD_LEFT, WIDTH);
            let pixels = (pixels_y.y - pixels_y.x) * (pixels_x.y - pixels_x.x);
            gradient += output_gradient[((first_row + y) * OUTPUT_WIDTH + x) * CHANNELS + at % CHANNELS] / f32(pixels);
        }
    }
    if RELU_MASK == 1 {
        gradient = masked(gradient, input[at]);
    }
    input_gradient[at] = gradient;
}
