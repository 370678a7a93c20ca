// Calls the kernel's `update` for each value of the variables.
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let own = group.y * GRID_WIDTH + group.x;
    if own >= WORKGROUPS {
        return;
    }
    let variable = variable_of(own);
    // A thread has one value: with a loop over several, lavapipe takes more than twice as long.
    let index = variable.first_index + thread.x;
    if index < variable.words {
        update(variable, index);
    }
}
