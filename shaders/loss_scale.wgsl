// What becomes of a step whose gradients are too large by the loss's scale. If all of them are finite, they are multiplied
// by 1 / scale, and with CLIP by what makes their global norm CLIP at most (0: any norm); after PATIENCE such steps in a row
// the scale is doubled. Otherwise the step's factor is 0, by which updates are left out, and the scale is halved.
// With the parts progress, squares and workgroup_sum.

const PATIENCE: u32 = 2000;
const LARGEST: f32 = 16777216.0;

// [3]: the scale's bits, a power of two from 1 to LARGEST; steps since it became this; steps left out in a row.
@group(0) @binding(3) var<storage, read_write> scaling: array<u32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
    let sum = sum_of_squares(thread);
    if thread > 0 {
        return;
    }
    let scale = bitcast<f32>(scaling[0]);
    let steps = scaling[1] + 1;
    // By its bits: a compiler may take it that numbers are finite.
    if (bitcast<u32>(sum) & 0x7f800000) == 0x7f800000 {
        scaling[0] = bitcast<u32>(max(scale * 0.5, 1.0));
        scaling[1] = 0;
        scaling[2] += 1;
        keep_factor(0.0);
        return;
    }
    var factor = 1.0 / scale;
    let norm = sqrt(sum) * factor;
    if CLIP > 0.0 && norm > CLIP {
        factor *= CLIP / norm;
    }
    let grows = steps >= PATIENCE;
    scaling[0] = bitcast<u32>(select(scale, min(scale * 2.0, LARGEST), grows));
    scaling[1] = select(steps, 0, grows);
    scaling[2] = 0;
    keep_factor(factor);
}
