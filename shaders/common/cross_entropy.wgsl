// Softmax and cross-entropy of a micro-batch: each row's loss, whether it is correct, and the gradient of its logits or
// the probabilities. A kernel says what a row's targets are: `targets_of`, `part_of`, `target_logit` and `wanted`.

const BATCH: u32 = 2;
const MICRO_BATCH: u32 = 2; // rows of the batch that go through the network at a time
const CLASSES: u32 = 10;
// 1: `result` gets the gradient; 0: the probabilities.
const GRADIENT: u32 = 1;
const THREADS: u32 = 64;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= MICRO_BATCH {
        return;
    }
    let rows = min(progress.samples - progress.batch * BATCH, BATCH);
    let first = row * CLASSES;
    let targets = targets_of(row);
    var largest = logits[first];
    var likeliest = 0u;
    for (var class_index = 1u; class_index < CLASSES; class_index++) {
        let logit = logits[first + class_index];
        if logit > largest {
            largest = logit;
            likeliest = class_index;
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
            value = select(0.0, (value - part_of(class_index, targets)) / f32(rows), counts);
        }
        result[first + class_index] = value;
    }
    losses[row] = select(0.0, log(sum) - target_logit(first, largest, targets), counts);
    correct[row] = u32(counts && likeliest == wanted(targets));
}
