// Convolution backward, weights, where a max-pool is in the convolution's epilogue: gradient of kernel and bias. With the
// parts convolution, argmax and patches.
//
// A pooled position's gradient belongs to the largest element of its window alone. conv_weight_gradient.wgsl multiplies
// all elements, so that all but one of the products are zero; here each filter reads the patch under its own winner. A
// thread has all taps of one channel and some filters, and takes positions one after the other. The sum over positions is
// divided into partitions as in conv_weight_gradient.wgsl, and within one among POSITION_LANES threads.

// Whether there is a bias, whose gradient is the last row.
const BIAS: u32 = 1;
// Pooled positions of each partition but the last, which may have fewer.
const PARTITION_POSITIONS: u32 = 8;
// Threads of a workgroup: neighbours have neighbouring channels, then filters, then positions.
const CHANNEL_LANES: u32 = 1;
const FILTER_LANES: u32 = 8;
const POSITION_LANES: u32 = 8;
// Filters of a thread, FILTER_LANES apart.
const THREAD_FILTERS: u32 = 1;
// Pooled positions between two barriers; the same number for each of POSITION_LANES.
const POSITION_TILE: u32 = 8;

const THREADS: u32 = CHANNEL_LANES * FILTER_LANES * POSITION_LANES;
const TILE_FILTERS: u32 = FILTER_LANES * THREAD_FILTERS;
// What a thread adds up of each filter: its taps, then the bias.
const TAPS: u32 = KERNEL_HEIGHT * KERNEL_WIDTH;
const TERMS: u32 = TAPS + BIAS;
// The input under all patches of a window.
const REGION_HEIGHT: u32 = (POOL - 1) * STRIDE_Y + KERNEL_HEIGHT;
const REGION_WIDTH: u32 = (POOL - 1) * STRIDE_X + KERNEL_WIDTH;
const REGION: u32 = REGION_HEIGHT * REGION_WIDTH;
const REGION_WORDS: u32 = POSITION_TILE * REGION * CHANNEL_LANES;
const REGION_LOADS: u32 = (REGION_WORDS + THREADS - 1) / THREADS;
const GRADIENTS: u32 = POSITION_TILE * TILE_FILTERS;
const GRADIENT_LOADS: u32 = (GRADIENTS + THREADS - 1) / THREADS;
// At the end sums go through the same memory, in rows of filters that begin in different banks.
const SUMS_STEP: u32 = TILE_FILTERS + 1;
const SUMS: u32 = POSITION_LANES * CHANNEL_LANES * SUMS_STEP;
// Whether some tile reaches past the end of its partition.
const UNEVEN: bool = PARTITION_POSITIONS % POSITION_TILE != 0 || POSITIONS % PARTITION_POSITIONS != 0;

@group(0) @binding(0) var<storage, read> input: array<f32>; // [BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(1) var<storage, read> output_gradient: array<f32>; // [POSITIONS, FILTERS]
@group(0) @binding(2) var<storage, read> argmax: array<u32>; // as argmax.wgsl packs it
@group(0) @binding(3) var<storage, read_write> weight_gradient: array<f32>; // [partitions, TAPS * CHANNELS + BIAS, FILTERS]

// [POSITION_TILE, REGION_HEIGHT, REGION_WIDTH, CHANNEL_LANES], at the end [POSITION_LANES, CHANNEL_LANES, SUMS_STEP].
var<workgroup> regions: array<f32, max(REGION_WORDS, SUMS)>;
// [POSITION_TILE, TILE_FILTERS]: the gradient's bits, and where the winner's patch begins in its region.
var<workgroup> gradients: array<vec2<u32>, GRADIENTS>;

// What a thread loads of a tile.
struct Loaded {
    region: array<f32, REGION_LOADS>,
    gradients: array<vec2<u32>, GRADIENT_LOADS>,
}

// The input at a place of a position's region; zero outside of the image.
fn input_value(position: u32, place: u32, channel: u32) -> f32 {
    let corner = patch_corner(min(position, POSITIONS - 1), 0u);
    let region_y = place / REGION_WIDTH;
    let region_x = place % REGION_WIDTH;
    let inside = !PADDED || (corner.x + region_y - PAD_TOP < HEIGHT && corner.y + region_x - PAD_LEFT < WIDTH);
    let offset = ((region_y - PAD_TOP) * WIDTH + region_x - PAD_LEFT) * CHANNELS + min(channel, CHANNELS - 1);
    return select(0.0, input[select(0u, corner.z + offset, inside)], inside);
}

// A position's gradient and its winner's place; past the end of the partition, and without a winner, no gradient.
fn gradient_of(position: u32, end: u32, filter_index: u32) -> vec2<u32> {
    let clamped = min(position, POSITIONS - 1);
    let column = min(filter_index, FILTERS - 1);
    let gradient = output_gradient[clamped * FILTERS + column];
    let wins = winner_at(clamped, column);
    // Whatever the word holds, the patch is within the region.
    let winner = min(wins, WINDOW_ELEMENTS - 1);
    let place = (winner / POOL * STRIDE_Y * REGION_WIDTH + winner % POOL * STRIDE_X) * CHANNEL_LANES;
    let counts = wins < WINDOW_ELEMENTS && (!UNEVEN || position < end);
    return vec2(bitcast<u32>(select(0.0, gradient, counts)), place);
}

// Of the tile from position `first` on; `corner` is the workgroup's first channel and filter.
fn load(thread: u32, corner: vec2<u32>, first: u32, end: u32) -> Loaded {
    var loaded: Loaded;
    for (var load = 0u; load < REGION_LOADS; load++) {
        let word = load * THREADS + thread;
        let channel = corner.x + word % CHANNEL_LANES;
        let position = first + word / (REGION * CHANNEL_LANES);
        loaded.region[load] = input_value(position, word / CHANNEL_LANES % REGION, channel);
    }
    for (var load = 0u; load < GRADIENT_LOADS; load++) {
        let word = load * THREADS + thread;
        let filter_index = corner.y + word % TILE_FILTERS;
        loaded.gradients[load] = gradient_of(first + word / TILE_FILTERS, end, filter_index);
    }
    return loaded;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let thread = local.x;
    let channel_lane = thread % CHANNEL_LANES;
    let filter_lane = thread / CHANNEL_LANES % FILTER_LANES;
    let position_lane = thread / (CHANNEL_LANES * FILTER_LANES);
    let first_channel = group.x * CHANNEL_LANES;
    let first_filter = group.y * TILE_FILTERS;
    let begin = group.z * PARTITION_POSITIONS;
    let end = min(begin + PARTITION_POSITIONS, POSITIONS);
    var sums: array<f32, TERMS * THREAD_FILTERS>;
    var loaded = load(thread, vec2(first_channel, first_filter), begin, end);

    for (var first = begin; first < end; first += POSITION_TILE) {
        workgroupBarrier();
        for (var load = 0u; load < REGION_LOADS; load++) {
            let word = load * THREADS + thread;
            if REGION_WORDS % THREADS == 0 || word < REGION_WORDS {
                regions[word] = loaded.region[load];
            }
        }
        for (var load = 0u; load < GRADIENT_LOADS; load++) {
            let word = load * THREADS + thread;
            if GRADIENTS % THREADS == 0 || word < GRADIENTS {
                gradients[word] = loaded.gradients[load];
            }
        }
        workgroupBarrier();
        // The next tile is under way while this one is multiplied.
        loaded = load(thread, vec2(first_channel, first_filter), first + POSITION_TILE, end);
        for (var step = 0u; step < POSITION_TILE / POSITION_LANES; step++) {
            let position = step * POSITION_LANES + position_lane;
            for (var j = 0u; j < THREAD_FILTERS; j++) {
                let own = gradients[position * TILE_FILTERS + j * FILTER_LANES + filter_lane];
                let gradient = bitcast<f32>(own.x);
                let corner = position * REGION * CHANNEL_LANES + own.y + channel_lane;
                for (var tap = 0u; tap < TAPS; tap++) {
                    let place = (tap / KERNEL_WIDTH * REGION_WIDTH + tap % KERNEL_WIDTH) * CHANNEL_LANES;
                    sums[j * TERMS + tap] = fma(gradient, regions[corner + place], sums[j * TERMS + tap]);
                }
                if BIAS == 1 {
                    sums[j * TERMS + TERMS - 1] += gradient;
                }
            }
        }
    }

    // Term by term, so that the threads that write are neighbours along the filters.
    for (var term = 0u; term < TERMS; term++) {
        workgroupBarrier();
        let own_row = position_lane * CHANNEL_LANES + channel_lane;
        // Registers have no addresses: each is asked whether it is the one.
        for (var j = 0u; j < THREAD_FILTERS; j++) {
            for (var own = 0u; own < TERMS; own++) {
                if own == term {
                    regions[own_row * SUMS_STEP + j * FILTER_LANES + filter_lane] = sums[j * TERMS + own];
                }
            }
        }
        workgroupBarrier();
        for (var place = thread; place < CHANNEL_LANES * TILE_FILTERS; place += THREADS) {
            let lane = place / TILE_FILTERS;
            let channel = first_channel + lane;
            let filter_index = first_filter + place % TILE_FILTERS;
            var total = 0.0;
            for (var part = 0u; part < POSITION_LANES; part++) {
                total += regions[(part * CHANNEL_LANES + lane) * SUMS_STEP + place % TILE_FILTERS];
            }
            // Every channel has added the bias up; the first one's is written.
            let row = select(term * CHANNELS + channel, DEPTH, term == TAPS);
            if filter_index < FILTERS && channel < select(CHANNELS, 1u, term == TAPS) {
                weight_gradient[(group.z * (DEPTH + BIAS) + row) * FILTERS + filter_index] = total;
            }
        }
    }
}
