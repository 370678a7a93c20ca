// Softmax and cross-entropy of a micro-batch with one label a row.
//
// loss = log(sum exp(logits - max)) - (logits[label] - max); gradient of the mean loss = (softmax - one_hot) / rows of the batch.
// Rows past the end of the batch or of the order count for nothing.
// With the parts cross_entropy and progress.

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [MICRO_BATCH, CLASSES]
@group(0) @binding(1) var<storage, read> batch_labels: array<u32>; // [MICRO_BATCH]
@group(0) @binding(2) var<storage, read> progress: Progress;
@group(0) @binding(3) var<storage, read_write> result: array<f32>; // [MICRO_BATCH, CLASSES]
@group(0) @binding(4) var<storage, read_write> losses: array<f32>; // [MICRO_BATCH]
@group(0) @binding(5) var<storage, read_write> correct: array<u32>; // [MICRO_BATCH]: 1 where the largest logit is the label's

fn targets_of(row: u32) -> u32 {
    return batch_labels[row];
}

fn part_of(class_index: u32, label: u32) -> f32 {
    return select(0.0, 1.0, class_index == label);
}

fn target_logit(first: u32, largest: f32, label: u32) -> f32 {
    return logits[first + label] - largest;
}

fn wanted(label: u32) -> u32 {
    return label;
}
