// As many multiply-adds as an adapter can do: sixteen chains a thread that nothing but themselves depends on, in registers.
// No part of training; it measures the ceiling that the other kernels are held against.
//
// x becomes x * factor + addend. A factor of -1, which the compiler does not know, makes every sum exact: x goes back and
// forth between two values.

const ROUNDS: u32 = 2; // of 16 multiply-adds in each chain
const THREADS: u32 = 64;

@group(0) @binding(0) var<storage, read> line: array<f32>; // factor and addend
@group(0) @binding(1) var<storage, read_write> sums: array<f32>; // [workgroups * THREADS]

// Four steps of four chains.
fn steps(start: vec4<f32>, factor: vec4<f32>, addend: vec4<f32>) -> vec4<f32> {
    var x = fma(start, factor, addend);
    x = fma(x, factor, addend);
    x = fma(x, factor, addend);
    return fma(x, factor, addend);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let factor = vec4(line[0]);
    let addend = vec4(line[1]);
    let at = group.x * THREADS + thread.x;
    // All chains differ, or the compiler would do one for several.
    var a = sums[at] + vec4(0.0, 1.0, 2.0, 3.0);
    var b = a + 4.0;
    var c = a + 8.0;
    var d = a + 12.0;
    for (var round = 0u; round < ROUNDS; round++) {
        for (var quarter = 0u; quarter < 4; quarter++) {
            a = steps(a, factor, addend);
            b = steps(b, factor, addend);
            c = steps(c, factor, addend);
            d = steps(d, factor, addend);
        }
    }
    sums[at] = dot(a + b + c + d, vec4(1.0));
}
