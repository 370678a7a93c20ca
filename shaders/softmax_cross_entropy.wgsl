// Softmax and cross-entropy of a micro-batch: each row's loss, whether it is correct, and the gradient or
// the probabilities.
//
// loss = log(sum exp(logits - max)) - (logits[label] - max); gradient of the mean loss = (softmax - one_hot) / rows of the batch.
// Rows past the end of the batch or of the order count for nothing.
// With the part progress.

const BATCH: u32 = 2;
const MICRO_BATCH: u32 = 2; // rows of the batch that go through the network at a time
const CLASSES: u32 = 10;
// 1: `result` gets the gradient; 0: the probabilities.
const GRADIENT: u32 = 1;
const THREADS: u32 = 64;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [MICRO_BATCH, CLASSES]
@group(0) @binding(1) var<storage, read> batch_labels: array<u32>; // [MICRO_BATCH]
@group(0) @binding(2) var<storage, read> progress: Progress;
@group(0) @binding(3) var<storage, read_write> result: array<f32>; // [MICRO_BATCH, CLASSES]
@group(0) @binding(4) var<storage, read_write> losses: array<f32>; // [MICRO_BATCH]
@group(0) @binding(5) var<storage, read_write> correct: array<u32>; // [MICRO_BATCH]: 1 where the largest logit is the label's

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= MICRO_BATCH {
        return;
    }
    let rows = min(progress.samples - progress.batch * BATCH, BATCH);
    let first = row * CLASSES;
    let label = batch_labels[row];
    var largest = logits[first];
    var class_of_largest = 0u;
    for (var class_index = 1u; class_index < CLASSES; class_index++) {
        let logit = logits[first + class_index];
        if logit > largest {
            largest = logit;
            class_of_largest = class_index;
        }
    }
    var sum = 0.0;
    for (var class_index = 0u; class_index < CLASSES; class_index++) {
        sum += exp(logits[first + class_index] - largest);
    }
    let counts = progress.micro_batch * MICRO_BATCH + row < rows;
    for (var class_index = 0u; class_index < CLASSES; class_index++) {
        var value = exp(logits[first + class_index] - largest) / sum;
        if GRADIENT == 1 {
            let target_value = select(0.0, 1.0, class_index == label);
            value = select(0.0, (value - target_value) / f32(rows), counts);
        }
        result[first + class_index] = value;
    }
    losses[row] = select(0.0, log(sum) - (logits[first + label] - largest), counts);
    correct[row] = u32(counts && class_of_largest == label);
}
