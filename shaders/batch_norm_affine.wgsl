// Of each channel: mean, 1 / sqrt(variance + EPSILON), scale = gamma times that, shift = beta - mean * scale. In
// training mean and variance are those of the positions that count, which the partitions of batch_norm_statistics.wgsl
// are put together to: their squared distances, and what the distances of the partitions' means add (Chan, Golub and
// LeVeque, 1983).
// With the parts channels, partitions, positions, progress, read_ahead and partials.

const TRAINING: u32 = 1; // 0: mean and variance are the moving ones
const HAS_GAMMA: u32 = 1;
const HAS_BETA: u32 = 1;
const EPSILON: f32 = 0.001;

const MOVING: u32 = HAS_GAMMA + HAS_BETA; // the row of the moving mean

@group(0) @binding(0) var<storage, read> partials: array<f32>; // [PARTITIONS, 2, CHANNELS]
@group(0) @binding(1) var<storage, read> progress: Progress;
// [MOVING + 2, CHANNELS]: gamma and beta where there are such, moving mean, moving variance.
@group(0) @binding(2) var<storage, read> variables: array<f32>;
@group(0) @binding(3) var<storage, read_write> affine: array<f32>; // [4, CHANNELS]
@group(0) @binding(4) var<storage, read_write> moments: array<f32>; // [2, CHANNELS]: mean and variance

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = own_place(thread.x, group.z);
    let channel = own.channel;
    let real = real_positions(progress);
    let all = max(f32(real), 1.0);
    var sum = 0.0;
    var squares = 0.0;
    if TRAINING == 1 {
        let partitions = (real + PARTITION - 1) / PARTITION;
        if READ_AHEAD == 1 {
            for (var part = own.lane; part < partitions; part += 8 * LANES) {
                let first = four_partials(0, part, channel);
                let second = four_partials(0, part + 4 * LANES, channel);
                sum = added_in_order(sum, first, turns_left(part, partitions));
                sum = added_in_order(sum, second, turns_left(part + 4 * LANES, partitions));
            }
        } else {
            for (var part = own.lane; part < partitions; part += LANES) {
                sum += partials[2 * part * CHANNELS + channel];
            }
        }
        sum = sum_of_lanes(thread.x, vec2(sum, 0.0), true).x;
        if READ_AHEAD == 1 {
            for (var part = own.lane; part < partitions; part += 4 * LANES) {
                let parts = four_turns(part);
                let counts = vec4<f32>(min(real - min(parts * PARTITION, vec4(real - 1)), vec4(PARTITION)));
                let distances = four_partials(0, part, channel) / counts - sum / all;
                let own_squares = four_partials(1, part, channel) + counts * distances * distances;
                squares = added_in_order(squares, own_squares, turns_left(part, partitions));
            }
        } else {
            for (var part = own.lane; part < partitions; part += LANES) {
                let count = f32(min(real - part * PARTITION, PARTITION));
                let distance = partials[2 * part * CHANNELS + channel] / count - sum / all;
                squares += partials[(2 * part + 1) * CHANNELS + channel] + count * distance * distance;
            }
        }
        // Everyone has read what the lanes had before.
        workgroupBarrier();
        squares = sum_of_lanes(thread.x, vec2(squares, 0.0), false).x;
    }
    if own.lane > 0 || own.idle {
        return;
    }
    var mean: f32;
    var variance: f32;
    if TRAINING == 1 {
        mean = sum / all;
        variance = squares / all;
        moments[channel] = mean;
        moments[CHANNELS + channel] = variance;
    } else {
        mean = variables[MOVING * CHANNELS + channel];
        variance = variables[(MOVING + 1) * CHANNELS + channel];
    }
    let inverse = 1.0 / sqrt(variance + EPSILON);
    var scale = inverse;
    if HAS_GAMMA == 1 {
        scale *= variables[channel];
    }
    var shift = -mean * scale;
    if HAS_BETA == 1 {
        shift += variables[HAS_GAMMA * CHANNELS + channel];
    }
    affine[channel] = mean;
    affine[CHANNELS + channel] = inverse;
    affine[2 * CHANNELS + channel] = scale;
    affine[3 * CHANNELS + channel] = shift;
}
