// Adds up the squares of gradients, of the values that a workgroup has of its variable.
// With the parts variables, read_ahead, tree, gradient and workgroup_sum.

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> variables: array<u32>; // [WORKGROUPS], then [variables, 7]
@group(0) @binding(2) var<storage, read_write> squares: array<f32>; // [WORKGROUPS]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let own = group.y * GRID_WIDTH + group.x;
    // The whole workgroup.
    if own >= WORKGROUPS {
        return;
    }
    let variable = variable_of(own);
    let index = variable.first_index + thread;
    var square = 0.0;
    if index < variable.words {
        let g = gradient_of(variable, index);
        square = g * g;
    }
    let sum = workgroup_sum(thread, square);
    if thread == 0 {
        squares[own] = sum;
    }
}
