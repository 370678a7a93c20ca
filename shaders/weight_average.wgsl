// The moving average of each weight after a step, for many variables in buffers that they share:
//   average += (1 - momentum) (w - average);  the first step copies
// With the parts progress, variables and each_value.

const STEP: f32 = 0.01; // 1 - momentum

@group(0) @binding(0) var<storage, read> progress: Progress;
@group(0) @binding(1) var<storage, read> variables: array<u32>; // [WORKGROUPS], then [variables, 7]
@group(0) @binding(2) var<storage, read> weights: array<f32>; // [values of all variables]
@group(0) @binding(3) var<storage, read_write> average: array<f32>; // the same

fn update(variable: Variable, index: u32) {
    let at = variable.first_value + index;
    if progress.step == 0 {
        average[at] = weights[at];
    } else {
        average[at] += STEP * (weights[at] - average[at]);
    }
}
