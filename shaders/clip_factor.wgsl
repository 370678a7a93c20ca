// What gradients are multiplied by so that their global norm, the root of the sum of all squares, is CLIP at most:
//   min(1, CLIP / norm)
// With the parts progress, squares and workgroup_sum.

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
    let sum = sum_of_squares(thread);
    if thread == 0 {
        let norm = sqrt(sum);
        var factor = 1.0;
        // Not so where it is no number.
        if norm > CLIP {
            factor = CLIP / norm;
        }
        keep_factor(factor);
    }
}
