// Depthwise convolution: output [.., c * MULTIPLIER + m] is a convolution of input [.., c] alone with kernel [.., c, m], plus a
// bias if there is one. FILTERS are the channels of the output. With the part convolution.

const MULTIPLIER: u32 = 1;
const BIAS: u32 = 1;
const RELU: u32 = 0;
const THREADS: u32 = 8;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [KERNEL_HEIGHT, KERNEL_WIDTH, FILTERS], then the bias [FILTERS]
@group(0) @binding(2) var<storage, read_write> output: array<f32>; // [BATCH, OUTPUT_HEIGHT, OUTPUT_WIDTH, FILTERS]

// Column x of a row of the input and the three that are a stride apart each; zero outside, where a column may have wrapped
// round.
fn four_pixels(row: u32, x: u32) -> vec4<f32> {
    let columns = x + STRIDE_X * vec4(0u, 1u, 2u, 3u);
    let at = row + CHANNELS * min(columns, vec4(WIDTH - 1));
    let pixels = vec4(input[at.x], input[at.y], input[at.z], input[at.w]);
    return select(vec4(0.0), pixels, columns < vec4(WIDTH));
}

// A workgroup makes one row of the output, its threads are channels; each makes four columns at a time, so that a weight is
// loaded for all of them.
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let image_row = group.y * GRID_WIDTH + group.x;
    let own = group.z * THREADS + thread.x;
    if image_row >= BATCH * OUTPUT_HEIGHT || own >= FILTERS {
        return;
    }
    for (var column = 0u; column < OUTPUT_WIDTH; column += 4) {
        var sums = vec4(0.0);
        if BIAS == 1 {
            sums = vec4(weights[KERNEL_HEIGHT * KERNEL_WIDTH * FILTERS + own]);
        }
        for (var kernel_y = 0u; kernel_y < KERNEL_HEIGHT; kernel_y++) {
            let y = image_row % OUTPUT_HEIGHT * STRIDE_Y + kernel_y - PAD_TOP;
            if y >= HEIGHT {
                continue;
            }
            let row = (image_row / OUTPUT_HEIGHT * HEIGHT + y) * WIDTH * CHANNELS + own / MULTIPLIER;
            for (var kernel_x = 0u; kernel_x < KERNEL_WIDTH; kernel_x++) {
                let weight = weights[(kernel_y * KERNEL_WIDTH + kernel_x) * FILTERS + own];
                sums = fma(four_pixels(row, column * STRIDE_X + kernel_x - PAD_LEFT), vec4(weight), sums);
            }
        }
        if RELU == 1 {
            sums = max(sums, vec4(0.0));
        }
        for (var lane = 0u; lane < min(4u, OUTPUT_WIDTH - column); lane++) {
            output[(image_row * OUTPUT_WIDTH + column + lane) * FILTERS + own] = sums[lane];
        }
    }
}
