// Adds up the squares of gradients, of the values that a workgroup has of its variable: thread t adds values t,
// t + THREADS, ...; then thread 0 adds the threads' sums.
// With the parts variables and gradient.

@group(0) @binding(0) var<storage, read> gradient: array<f32>; // [MICRO_BATCHES, MICRO_BATCH_STRIDE]
@group(0) @binding(1) var<storage, read> variables: array<u32>; // [WORKGROUPS], then [variables, 7]
@group(0) @binding(2) var<storage, read_write> squares: array<f32>; // [WORKGROUPS]

var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let own = group.y * GRID_WIDTH + group.x;
    // The whole workgroup.
    if own >= WORKGROUPS {
        return;
    }
    let variable = variable_of(own);
    var sum = 0.0;
    for (var turn = 0u; turn < VALUES_PER_THREAD; turn++) {
        let index = variable.first_index + turn * THREADS + thread;
        if index < variable.words {
            let g = gradient_of(variable, index);
            sum += g * g;
        }
    }
    sums[thread] = sum;
    workgroupBarrier();
    if thread == 0 {
        for (var other = 1u; other < THREADS; other++) {
            sum += sums[other];
        }
        squares[own] = sum;
    }
}
