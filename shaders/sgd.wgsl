// Gradient descent without momentum, for many variables in buffers that they share: w -= learning rate * g
// With the parts progress, variables, each_value, gradient and step.

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> rates: array<f32>; // [batches of the order, NUMBERS]
@group(0) @binding(2) var<storage, read> progress: Progress;
@group(0) @binding(3) var<storage, read> variables: array<u32>; // [WORKGROUPS], then [variables, 7]
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;

fn update(variable: Variable, index: u32) {
    let at = variable.first_value + index;
    weights[at] = decayed(variable, at) - number(0) * clipped(gradient_of(variable, index));
}
