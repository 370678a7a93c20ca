// Average-pool forward, any window and stride: the mean of what of each window lies in the image.
// With the part pool.

const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read_write> output: array<f32>; // [BATCH, OUTPUT_HEIGHT, OUTPUT_WIDTH, CHANNELS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at >= BATCH * OUTPUT_HEIGHT * OUTPUT_WIDTH * CHANNELS {
        return;
    }
    let columns = pixels_under(at / CHANNELS % OUTPUT_WIDTH, STRIDE_X, WINDOW_WIDTH, PAD_LEFT, WIDTH);
    let rows = pixels_under(at / (CHANNELS * OUTPUT_WIDTH) % OUTPUT_HEIGHT, STRIDE_Y, WINDOW_HEIGHT, PAD_TOP, HEIGHT);
    let first_row = at / (CHANNELS * OUTPUT_WIDTH * OUTPUT_HEIGHT) * HEIGHT;
    var sum = 0.0;
    for (var y = rows.x; y < rows.y; y++) {
        for (var x = columns.x; x < columns.y; x++) {
            sum += input[((first_row + y) * WIDTH + x) * CHANNELS + at % CHANNELS];
        }
    }
    output[at] = sum / f32((rows.y - rows.x) * (columns.y - columns.x));
}
