// Calls the kernel's `update` for each value of the variables.
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = group.y * GRID_WIDTH + group.x;
    if own >= WORKGROUPS {
        return;
    }
    let variable = variable_of(own);
    for (var turn = 0u; turn < VALUES_PER_THREAD; turn++) {
        let index = variable.first_index + turn * THREADS + thread.x;
        if index >= variable.words {
            return;
        }
        update(variable, index);
    }
}
