// Convolution backward, input, where a max-pool is in the convolution's epilogue: the gradient with respect to the input.
// With the parts convolution, argmax and relu_mask.
//
// A pooled position's gradient belongs to the largest element of its window alone, whose patch gets it times the kernel.
// conv_input_gradient.wgsl multiplies all elements, so that all but one of the products are zero. A thread has one channel
// of a row of pooled positions, and keeps the gradient of all input under them in registers; an image's rows, which
// overlap, are then added up in order. Epilogue as in conv_input_gradient.wgsl.

// Threads of a workgroup: neighbours have neighbouring channels, then the rows of an image, then images.
const CHANNEL_LANES: u32 = 1;
const IMAGES: u32 = 2;
// Filters between two barriers.
const FILTER_TILE: u32 = 8;

const ROWS: u32 = IMAGES * POOLED_HEIGHT;
const THREADS: u32 = CHANNEL_LANES * ROWS;
const TAPS: u32 = KERNEL_HEIGHT * KERNEL_WIDTH;
// The input under a row of pooled positions, and how far the next row's is below, or the next position's to the right.
const REGION_HEIGHT: u32 = (POOL - 1) * STRIDE_Y + KERNEL_HEIGHT;
const REGION_WIDTH: u32 = (POOLED_WIDTH * POOL - 1) * STRIDE_X + KERNEL_WIDTH;
const STEP_Y: u32 = POOL * STRIDE_Y;
const STEP_X: u32 = POOL * STRIDE_X;
const REGION: u32 = REGION_HEIGHT * REGION_WIDTH;
// A filter's kernel is stored by neighbouring threads in the tile's neighbouring rows: see conv_input_gradient.wgsl.
const KERNEL_STEP: u32 = TAPS * CHANNEL_LANES + max(32 / FILTER_TILE, 1);
const KERNELS: u32 = FILTER_TILE * TAPS * CHANNEL_LANES;
const GRADIENTS: u32 = ROWS * POOLED_WIDTH * FILTER_TILE;

@group(0) @binding(0) var<storage, read> output_gradient: array<f32>; // [BATCH, POOLED_HEIGHT, POOLED_WIDTH, FILTERS]
@group(0) @binding(1) var<storage, read> argmax: array<u32>; // as argmax.wgsl packs it
@group(0) @binding(2) var<storage, read> weights: array<f32>; // [TAPS, CHANNELS, FILTERS], ...
@group(0) @binding(3) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(4) var<storage, read_write> input_gradient: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]

// [FILTER_TILE, KERNEL_STEP], at the end [REGION_HEIGHT, THREADS].
var<workgroup> kernels: array<f32, max(FILTER_TILE * KERNEL_STEP, REGION_HEIGHT * THREADS)>;
// [ROWS, POOLED_WIDTH, FILTER_TILE]: the gradient's bits, and which element won.
var<workgroup> gradients: array<vec2<u32>, GRADIENTS>;

// Of a position that there is none of no gradient; of such a filter any.
fn gradient_of(position: u32, filter_index: u32) -> vec2<u32> {
    let clamped = min(position, POSITIONS - 1);
    let column = min(filter_index, FILTERS - 1);
    let gradient = output_gradient[clamped * FILTERS + column];
    let winner = winner_at(clamped, column);
    return vec2(bitcast<u32>(select(0.0, gradient, position < POSITIONS)), winner);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let thread = local.x;
    let row = thread / CHANNEL_LANES;
    let channel_lane = thread % CHANNEL_LANES;
    let first_position = group.x * ROWS * POOLED_WIDTH;
    let first_channel = group.y * CHANNEL_LANES;
    var sums: array<f32, REGION>;

    for (var first_filter = 0u; first_filter < FILTERS; first_filter += FILTER_TILE) {
        workgroupBarrier();
        for (var load = 0u; load < (KERNELS + THREADS - 1) / THREADS; load++) {
            let word = load * THREADS + thread;
            if KERNELS % THREADS == 0 || word < KERNELS {
                let place = word / FILTER_TILE;
                let channel = min(first_channel + place % CHANNEL_LANES, CHANNELS - 1);
                let column = min(first_filter + word % FILTER_TILE, FILTERS - 1);
                kernels[word % FILTER_TILE * KERNEL_STEP + place] =
                    weights[(place / CHANNEL_LANES * CHANNELS + channel) * FILTERS + column];
            }
        }
        for (var load = 0u; load < (GRADIENTS + THREADS - 1) / THREADS; load++) {
            let place = load * THREADS + thread;
            if GRADIENTS % THREADS == 0 || place < GRADIENTS {
                let position = first_position + place / FILTER_TILE;
                gradients[place] = gradient_of(position, first_filter + place % FILTER_TILE);
            }
        }
        workgroupBarrier();
        // No constants, or a compiler would write out the whole tile.
        let end = min(first_filter + FILTER_TILE, FILTERS);
        for (var filter_index = first_filter; filter_index < end; filter_index++) {
            let column = filter_index - first_filter;
            var kernel: array<f32, TAPS>;
            for (var tap = 0u; tap < TAPS; tap++) {
                kernel[tap] = kernels[column * KERNEL_STEP + tap * CHANNEL_LANES + channel_lane];
            }
            for (var x = 0u; x < POOLED_WIDTH; x++) {
                let own = gradients[(row * POOLED_WIDTH + x) * FILTER_TILE + column];
                let gradient = bitcast<f32>(own.x);
                // All threads of a row of positions go the same way.
                for (var element = 0u; element < WINDOW_ELEMENTS; element++) {
                    if own.y == element {
                        for (var tap = 0u; tap < TAPS; tap++) {
                            let region_y = element / POOL * STRIDE_Y + tap / KERNEL_WIDTH;
                            let region_x = x * STEP_X + element % POOL * STRIDE_X + tap % KERNEL_WIDTH;
                            let at = region_y * REGION_WIDTH + region_x;
                            sums[at] = fma(gradient, kernel[tap], sums[at]);
                        }
                    }
                }
            }
        }
    }

    // Column by column, since there is no room for all.
    let image = group.x * IMAGES + row / POOLED_HEIGHT;
    let pooled_y = row % POOLED_HEIGHT;
    let channel = first_channel + channel_lane;
    for (var column = 0u; column < REGION_WIDTH; column++) {
        workgroupBarrier();
        // Registers have no addresses: each is asked whether it is the one.
        for (var region_y = 0u; region_y < REGION_HEIGHT; region_y++) {
            for (var x = 0u; x < REGION_WIDTH; x++) {
                if x == column {
                    kernels[region_y * THREADS + thread] = sums[region_y * REGION_WIDTH + x];
                }
            }
        }
        workgroupBarrier();
        // A thread has the input rows that the next pooled row does not reach; the last one all of its own.
        for (var region_y = 0u; region_y < REGION_HEIGHT; region_y++) {
            var total = 0.0;
            for (var above = 0u; above * STEP_Y + region_y < REGION_HEIGHT; above++) {
                if above <= pooled_y {
                    total += kernels[(above * STEP_Y + region_y) * THREADS + thread - above * CHANNEL_LANES];
                }
            }
            let y = pooled_y * STEP_Y + region_y - PAD_TOP;
            let x = column - PAD_LEFT;
            let own = region_y < STEP_Y || pooled_y == POOLED_HEIGHT - 1;
            if own && image < BATCH && y < HEIGHT && x < WIDTH && channel < CHANNELS {
                let at = ((image * HEIGHT + y) * WIDTH + x) * CHANNELS + channel;
                if RELU_MASK == 1 {
                    total = masked(total, input[at]);
                }
                input_gradient[at] = total;
            }
        }
    }
}
