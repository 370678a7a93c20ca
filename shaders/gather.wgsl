// Batch gather and normalisation: copies the batch's images out of the data set as f32, bytes in [0, 1], times FACTOR plus
// OFFSET, and its labels.
//
// Rows past the end of the batch or of the order (the last batch of an epoch is smaller) become zeros, or OFFSET;
// softmax_cross_entropy.wgsl gives them no loss and no gradient.
// With the part progress.

const BATCH: u32 = 2;
const MICRO_BATCH: u32 = 2; // rows of the batch that go through the network at a time
const PIXELS: u32 = 36; // values of one image, H * W * C
const FLOATS: u32 = 0; // 1: images are f32, one a word, taken as they are; 0: bytes
const FACTOR: f32 = 1.0;
const OFFSET: f32 = 0.0;
const THREADS: u32 = 64;

@group(0) @binding(0) var<storage, read> images: array<u32>; // [samples, PIXELS] bytes, four a word, or f32
@group(0) @binding(1) var<storage, read> labels: array<u32>; // [samples] bytes, four a word
@group(0) @binding(2) var<storage, read> order: array<u32>; // [samples to visit]
@group(0) @binding(3) var<storage, read> progress: Progress;
@group(0) @binding(4) var<storage, read_write> input: array<f32>; // [MICRO_BATCH, PIXELS]
@group(0) @binding(5) var<storage, read_write> batch_labels: array<u32>; // [MICRO_BATCH]

// byte / 255, rounded to the nearest f32 by integers: drivers may turn a division into a product with 1/255, which is
// off by 6e-8 for half of all pixels.
fn normalised(byte: u32) -> f32 {
    if byte == 0 {
        return 0.0;
    }
    let shift = countLeadingZeros(byte);
    let quotient = ((byte << shift) + 127) / 255; // 24 bits, so exact as f32
    return f32(quotient) * bitcast<f32>((127 - shift) << 23); // times 2^-shift
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let row = group.y;
    let pixel = group.x * THREADS + thread.x;
    let row_of_batch = progress.micro_batch * MICRO_BATCH + row;
    let place = progress.batch * BATCH + row_of_batch;
    let counts = row_of_batch < BATCH && place < progress.samples;
    if pixel < PIXELS {
        var value = 0.0;
        if counts {
            let at = order[place] * PIXELS + pixel;
            if FLOATS == 1 {
                value = bitcast<f32>(images[at]);
            } else {
                value = normalised((images[at / 4] >> (8 * (at % 4))) & 255);
            }
        }
        input[row * PIXELS + pixel] = value * FACTOR + OFFSET;
    }
    if pixel == 0 {
        var label = 0u;
        if counts {
            let sample = order[place];
            label = (labels[sample / 4] >> (8 * (sample % 4))) & 255;
        }
        batch_labels[row] = label;
    }
}
