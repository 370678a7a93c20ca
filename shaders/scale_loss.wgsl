// Multiplies the loss's gradient by the loss's scale, so that small gradients further back are numbers of f16.

const VALUES: u32 = 20;
const THREADS: u32 = 64;
const GRID_WIDTH: u32 = 1;

@group(0) @binding(0) var<storage, read> scale: array<u32>; // [3]: see loss_scale.wgsl
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>; // [VALUES]

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let at = (group.y * GRID_WIDTH + group.x) * THREADS + thread.x;
    if at < VALUES {
        gradient[at] *= bitcast<f32>(scale[0]);
    }
}
