// Many variables in buffers that they share: src/kernels/updates.rs has their table. Each begins with a workgroup of its own.
const WORKGROUPS: u32 = 2;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

struct Variable {
    words: u32,
    // Of the values, and of whatever else there is of each value.
    first_value: u32,
    first_partition: u32,
    partitions: u32,
    stride: u32, // words from one partition of the gradient to the next
    decays: u32,
    // The first value that this workgroup has, from the variable's first one.
    first_index: u32,
}

fn variable_of(own: u32) -> Variable {
    let row = variables[own];
    let first_index = (own - variables[row]) * THREADS;
    return Variable(
        variables[row + 1], variables[row + 2], variables[row + 3], variables[row + 4], variables[row + 5],
        variables[row + 6], first_index,
    );
}
