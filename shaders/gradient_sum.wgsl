// Adds up gradients, each value where its variable's lies.
// With the parts variables, each_value, read_ahead, tree and gradient.

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> variables: array<u32>; // [WORKGROUPS], then [variables, 7]
@group(0) @binding(2) var<storage, read_write> sums: array<f32>; // [values of all variables]

fn update(variable: Variable, index: u32) {
    sums[variable.first_value + index] = gradient_of(variable, index);
}
