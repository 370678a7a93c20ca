// Gradient of a depthwise convolution's kernel and bias, in partitions: each over some images of the batch. A workgroup makes
// one tap of some channels; its lanes share out the rows of the outputs, and are added up in order.
// With the part convolution.

const MULTIPLIER: u32 = 1;
const BIAS: u32 = 1;
const PARTITIONS: u32 = 1;
const PARTITION_IMAGES: u32 = 2; // the last partition may have fewer
const THREADS_X: u32 = 8; // channels
const THREADS_Y: u32 = 4; // lanes
const GRID_WIDTH: u32 = 1;

const TAPS: u32 = KERNEL_HEIGHT * KERNEL_WIDTH;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> output_gradient: array<f32>; // [BATCH, OUTPUT_HEIGHT, OUTPUT_WIDTH, FILTERS]
@group(0) @binding(2) var<storage, read_write> weight_gradient: array<f32>; // [PARTITIONS, TAPS + BIAS, FILTERS]

var<workgroup> lanes: array<f32, THREADS_X * THREADS_Y>;

// A tap's products in a row of the outputs, of all images' rows; or what the bias adds up.
fn row_sum(row: u32, tap: u32, own: u32) -> f32 {
    let gradients = row * OUTPUT_WIDTH * FILTERS + own;
    var sum = 0.0;
    if tap == TAPS {
        for (var x = 0u; x < OUTPUT_WIDTH; x++) {
            sum += output_gradient[gradients + x * FILTERS];
        }
        return sum;
    }
    // Above the image it wraps round.
    let y = row % OUTPUT_HEIGHT * STRIDE_Y + tap / KERNEL_WIDTH - PAD_TOP;
    if y >= HEIGHT {
        return 0.0;
    }
    let kernel_x = tap % KERNEL_WIDTH;
    // Columns of the output whose tap lies in the image.
    let begin = (max(kernel_x, PAD_LEFT) - kernel_x + STRIDE_X - 1) / STRIDE_X;
    let end = min(OUTPUT_WIDTH, (max(kernel_x, WIDTH + PAD_LEFT) - kernel_x + STRIDE_X - 1) / STRIDE_X);
    let pixels = ((row / OUTPUT_HEIGHT * HEIGHT + y) * WIDTH + kernel_x - PAD_LEFT) * CHANNELS + own / MULTIPLIER;
    for (var x = begin; x < end; x++) {
        sum = fma(input[pixels + x * STRIDE_X * CHANNELS], output_gradient[gradients + x * FILTERS], sum);
    }
    return sum;
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let place = group.y * GRID_WIDTH + group.x;
    if place >= (TAPS + BIAS) * PARTITIONS {
        return;
    }
    let own = group.z * THREADS_X + thread.x;
    let tap = place % (TAPS + BIAS);
    let first_row = place / (TAPS + BIAS) * PARTITION_IMAGES * OUTPUT_HEIGHT;
    let last_row = min(first_row + PARTITION_IMAGES * OUTPUT_HEIGHT, BATCH * OUTPUT_HEIGHT);
    var sum = 0.0;
    if own < FILTERS {
        for (var row = first_row + thread.y; row < last_row; row += THREADS_Y) {
            sum += row_sum(row, tap, own);
        }
    }
    lanes[thread.y * THREADS_X + thread.x] = sum;
    workgroupBarrier();
    if thread.y == 0 && own < FILTERS {
        for (var lane = 1u; lane < THREADS_Y; lane++) {
            sum += lanes[lane * THREADS_X + thread.x];
        }
        weight_gradient[place * FILTERS + own] = sum;
    }
}
