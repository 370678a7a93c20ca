// Softmax and cross-entropy with targets that are no single class, of a micro-batch: each row's loss, whether it is
// correct, and the gradient or the probabilities. With one label a row and no smoothing, it is softmax_cross_entropy.wgsl.
//
// targets = (1 - SMOOTHING) * (share * one_hot(label) + (1 - share) * one_hot(other)) + SMOOTHING / CLASSES;
// loss = log(sum exp(logits - max)) - sum targets * (logits - max); gradient of the mean loss = (softmax - targets) / rows of
// the batch. Rows past the end of the batch or of the order count for nothing.
// With the part progress.

const BATCH: u32 = 2;
const MICRO_BATCH: u32 = 2; // rows of the batch that go through the network at a time
const CLASSES: u32 = 10;
const SMOOTHING: f32 = 0.1;
// 1: batch_labels has each row's label, the other one and the first one's share; 0: its label.
const MIXED: u32 = 1;
// 1: `result` gets the gradient; 0: the probabilities.
const GRADIENT: u32 = 1;
const THREADS: u32 = 64;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [MICRO_BATCH, CLASSES]
@group(0) @binding(1) var<storage, read> batch_labels: array<u32>; // [MICRO_BATCH], or [MICRO_BATCH, 3] with shares as bits
@group(0) @binding(2) var<storage, read> progress: Progress;
@group(0) @binding(3) var<storage, read_write> result: array<f32>; // [MICRO_BATCH, CLASSES]
@group(0) @binding(4) var<storage, read_write> losses: array<f32>; // [MICRO_BATCH]
@group(0) @binding(5) var<storage, read_write> correct: array<u32>; // [MICRO_BATCH]: 1 where the largest logit is that of the larger share

struct Labels {
    label: u32,
    other: u32,
    share: f32,
}

fn labels_of(row: u32) -> Labels {
    if MIXED == 0 {
        return Labels(batch_labels[row], 0, 1);
    }
    return Labels(batch_labels[3 * row], batch_labels[3 * row + 1], bitcast<f32>(batch_labels[3 * row + 2]));
}

// How much of the target is that class.
fn part_of(class_index: u32, labels: Labels) -> f32 {
    let own = select(0.0, labels.share, class_index == labels.label);
    let others = select(0.0, 1 - labels.share, class_index == labels.other);
    return (1 - SMOOTHING) * (own + others) + SMOOTHING / f32(CLASSES);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= MICRO_BATCH {
        return;
    }
    let labels = labels_of(row);
    let first = row * CLASSES;
    var largest = logits[first];
    var likeliest = 0u;
    for (var class_index = 1u; class_index < CLASSES; class_index++) {
        if logits[first + class_index] > largest {
            largest = logits[first + class_index];
            likeliest = class_index;
        }
    }
    var sum = 0.0;
    var hit = 0.0;
    for (var class_index = 0u; class_index < CLASSES; class_index++) {
        let logit = logits[first + class_index] - largest;
        sum += exp(logit);
        hit += part_of(class_index, labels) * logit;
    }
    let rows = min(progress.samples - progress.batch * BATCH, BATCH);
    let counts = progress.micro_batch * MICRO_BATCH + row < rows;
    for (var class_index = 0u; class_index < CLASSES; class_index++) {
        let probability = exp(logits[first + class_index] - largest) / sum;
        let slope = select(0.0, (probability - part_of(class_index, labels)) / f32(rows), counts);
        result[first + class_index] = select(probability, slope, GRADIENT == 1);
    }
    losses[row] = select(0.0, log(sum) - hit, counts);
    correct[row] = u32(counts && likeliest == select(labels.other, labels.label, labels.share >= 0.5));
}
