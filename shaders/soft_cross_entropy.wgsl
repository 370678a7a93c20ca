// Softmax and cross-entropy of a micro-batch with targets that are no single class. With one label a row and no smoothing,
// it is softmax_cross_entropy.wgsl.
//
// targets = (1 - SMOOTHING) * (share * one_hot(label) + (1 - share) * one_hot(other)) + SMOOTHING / CLASSES;
// loss = log(sum exp(logits - max)) - sum targets * (logits - max); gradient of the mean loss = (softmax - targets) / rows of
// the batch. Rows past the end of the batch or of the order count for nothing.
// With the parts cross_entropy and progress.

const SMOOTHING: f32 = 0.1;
// 1: batch_labels has each row's label, the other one and the first one's share; 0: its label.
const MIXED: u32 = 1;

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

fn targets_of(row: u32) -> Labels {
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

// The sum of all logits - largest, by their parts.
fn target_logit(first: u32, largest: f32, labels: Labels) -> f32 {
    var sum = 0.0;
    for (var class_index = 0u; class_index < CLASSES; class_index++) {
        sum += part_of(class_index, labels) * (logits[first + class_index] - largest);
    }
    return sum;
}

// The label of the larger share.
fn wanted(labels: Labels) -> u32 {
    return select(labels.other, labels.label, labels.share >= 0.5);
}
