// Adds overlapping patches up into the image they came from: the second half of a convolution's input gradient, where
// conv_input_gradient.wgsl has made the gradient of every patch by one plain product. With the parts convolution and
// relu_mask.
//
// Each input position gathers from the patches that cover it, in a fixed order. Epilogue as in conv_input_gradient.wgsl.

const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

// Positions that have a patch: the output's, or fewer where a pool leaves some out.
const PATCHES_HEIGHT: u32 = OUTPUT_HEIGHT / POOL * POOL;
const PATCHES_WIDTH: u32 = OUTPUT_WIDTH / POOL * POOL;

@group(0) @binding(0) var<storage, read> patches: array<f32>; // [BATCH, PATCHES_HEIGHT, PATCHES_WIDTH, DEPTH]
@group(0) @binding(1) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(2) var<storage, read_write> input_gradient: array<f32>; // as input

// A workgroup makes one row of an image; its threads are channels, so that all but the channel is the same for them.
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let image_row = group.y * GRID_WIDTH + group.x;
    let channel = group.z * THREADS + thread.x;
    if image_row >= BATCH * HEIGHT || channel >= CHANNELS {
        return;
    }
    let y = image_row % HEIGHT + PAD_TOP;
    let first_patch = image_row / HEIGHT * PATCHES_HEIGHT * PATCHES_WIDTH;
    for (var column = 0u; column < WIDTH; column++) {
        let x = column + PAD_LEFT;
        var sum = 0.0;
        // Of the kernel's taps, those that meet this position; a patch above or left of the first has coordinates that
        // wrap round.
        for (var kernel_y = y % STRIDE_Y; kernel_y < KERNEL_HEIGHT; kernel_y += STRIDE_Y) {
            let patch_y = y / STRIDE_Y - kernel_y / STRIDE_Y;
            for (var kernel_x = x % STRIDE_X; kernel_x < KERNEL_WIDTH; kernel_x += STRIDE_X) {
                let patch_x = x / STRIDE_X - kernel_x / STRIDE_X;
                if patch_y < PATCHES_HEIGHT && patch_x < PATCHES_WIDTH {
                    let tap = kernel_y * KERNEL_WIDTH + kernel_x;
                    let position = first_patch + patch_y * PATCHES_WIDTH + patch_x;
                    sum += patches[position * DEPTH + tap * CHANNELS + channel];
                }
            }
        }
        let at = (image_row * WIDTH + column) * CHANNELS + channel;
        if RELU_MASK == 1 {
            sum = masked(sum, input[at]);
        }
        input_gradient[at] = sum;
    }
}
