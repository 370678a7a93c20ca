// Batch gather with augmentation: what gather.wgsl does with each image mirrored, moved, cut out, erased and mixed with
// another one of its batch, in this order, as its transform says. A partner is mixed in as its own transform leaves it.
//
// Of bytes all of it is whole parts of 65,536, divided once at the end: there is nothing that devices round differently. Of
// numbers, only what is mixed is rounded.
// With the part progress.

const BATCH: u32 = 2;
const MICRO_BATCH: u32 = 2; // rows of the batch that go through the network at a time
const HEIGHT: u32 = 4; // of an image
const WIDTH: u32 = 3;
const CHANNELS: u32 = 3;
// What comes in where an image moves away. 0: zeros; 1: its outermost pixel; 2: the image mirrored at that pixel.
const PAD: u32 = 0;
// 1: images are mixed, and batch_labels has both labels and the first one's share; 0: it has labels.
const MIXED: u32 = 1;
const FLOATS: u32 = 0; // 1: images are f32, one a word, taken as they are; 0: bytes
const FACTOR: f32 = 1.0; // of byte / 255, or of the number
const OFFSET: f32 = 0.0;
const THREADS: u32 = 64;

// What befalls one sample: src/augment/transform.rs. Boxes are top, left, bottom, right.
struct Transform {
    flip: u32,
    shift: array<i32, 2>, // down, right
    cutout: array<u32, 4>,
    erased: array<u32, 4>,
    partner: u32, // of the batch
    own: u32, // part of the mixture, of 65,536
    pasted: array<u32, 4>,
    share: f32, // of the label
}

@group(0) @binding(0) var<storage, read> images: array<u32>; // [samples, HEIGHT, WIDTH, CHANNELS] bytes, four a word, or f32
@group(0) @binding(1) var<storage, read> labels: array<u32>; // [samples] bytes, four a word
@group(0) @binding(2) var<storage, read> order: array<u32>; // [samples to visit]
@group(0) @binding(3) var<storage, read> transforms: array<Transform>; // [samples to visit]
@group(0) @binding(4) var<storage, read> progress: Progress;
@group(0) @binding(5) var<storage, read_write> input: array<f32>; // [MICRO_BATCH, HEIGHT, WIDTH, CHANNELS]
@group(0) @binding(6) var<storage, read_write> batch_labels: array<u32>; // [MICRO_BATCH], or [MICRO_BATCH, 3]: label, partner's, share as bits

// numerator / (255 * 65536), rounded to the nearest f32 by integers: see gather.wgsl.
fn normalised(numerator: u32) -> f32 {
    if numerator == 0 {
        return 0.0;
    }
    let zeros = countLeadingZeros(numerator);
    // The quotient has at most 24 bits, so it is exact as f32.
    let shift = select(zeros, zeros - 1, (numerator << zeros) > 0xff000000);
    let quotient = ((numerator << shift) + 127) / 255;
    return f32(quotient) * bitcast<f32>((111 - shift) << 23); // times 2^-(16 + shift)
}

fn contains(area: array<u32, 4>, y: u32, x: u32) -> bool {
    return y >= area[0] && x >= area[1] && y < area[2] && x < area[3];
}

// The row or column, of so many, that one of the moved image is from; -1: none.
fn source(moved: i32, extent: i32) -> i32 {
    if moved >= 0 && moved < extent {
        return moved;
    }
    if PAD == 0 {
        return -1;
    }
    let mirrored = select(abs(moved), 2 * (extent - 1) - moved, moved > 0);
    return clamp(select(moved, mirrored, PAD == 2), 0, extent - 1);
}

// The bits of a value of the image at that place of the order, as its transform leaves it ahead of mixing: zeros come in.
fn value_of(place: u32, y: u32, x: u32, channel: u32) -> u32 {
    if contains(transforms[place].cutout, y, x) || contains(transforms[place].erased, y, x) {
        return 0;
    }
    let from_y = source(i32(y) - transforms[place].shift[0], i32(HEIGHT));
    let moved_x = source(i32(x) - transforms[place].shift[1], i32(WIDTH));
    if from_y < 0 || moved_x < 0 {
        return 0;
    }
    let from_x = select(moved_x, i32(WIDTH) - 1 - moved_x, transforms[place].flip == 1);
    let at = ((order[place] * HEIGHT + u32(from_y)) * WIDTH + u32(from_x)) * CHANNELS + channel;
    if FLOATS == 1 {
        return images[at];
    }
    return (images[at / 4] >> (8 * (at % 4))) & 255;
}

// So many parts of 65,536 of one value, the others of another one; both as their bits.
fn mixture(value: u32, own: u32, other: u32) -> f32 {
    if FLOATS == 1 {
        let share = f32(own) / 65536.0;
        return bitcast<f32>(value) * share + bitcast<f32>(other) * (1.0 - share);
    }
    return normalised(value * own + other * (65536 - own));
}

fn label_of(place: u32) -> u32 {
    let sample = order[place];
    return (labels[sample / 4] >> (8 * (sample % 4))) & 255;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let row = group.y;
    let at = group.x * THREADS + thread.x;
    let row_of_batch = progress.micro_batch * MICRO_BATCH + row;
    let first = progress.batch * BATCH;
    let place = first + row_of_batch;
    let counts = row_of_batch < BATCH && place < progress.samples;
    if at < HEIGHT * WIDTH * CHANNELS {
        var value = 0.0;
        if counts {
            let channel = at % CHANNELS;
            let x = at / CHANNELS % WIDTH;
            let y = at / CHANNELS / WIDTH;
            let bits = value_of(place, y, x, channel);
            if MIXED == 1 {
                let own = select(transforms[place].own, 0, contains(transforms[place].pasted, y, x));
                value = mixture(bits, own, value_of(first + transforms[place].partner, y, x, channel));
            } else if FLOATS == 1 {
                value = bitcast<f32>(bits);
            } else {
                value = normalised(bits << 16);
            }
        }
        input[row * HEIGHT * WIDTH * CHANNELS + at] = value * FACTOR + OFFSET;
    }
    if at == 0 {
        var label = 0u;
        var other = 0u;
        var share = 0.0;
        if counts {
            label = label_of(place);
            other = label_of(first + transforms[place].partner);
            share = transforms[place].share;
        }
        if MIXED == 1 {
            batch_labels[3 * row + 1] = other;
            batch_labels[3 * row + 2] = bitcast<u32>(share);
        }
        batch_labels[(1 + 2 * MIXED) * row] = label;
    }
}
