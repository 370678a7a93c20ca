// Adam (Kingma and Ba, 2015) in Keras' form, for many variables in buffers that they share:
//   m += (1 - beta_1) (g - m);  v += (1 - beta_2) (g^2 - v);  w -= rate m / (sqrt(v) + epsilon)
// where rate = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t), which the host computes in f64 for each step.
// With the parts progress, variables, each_value, read_ahead, tree, gradient and update. The last one has the first bindings.

const STEP_1: f32 = 0.1; // 1 - beta_1
const STEP_2: f32 = 0.001; // 1 - beta_2
const EPSILON: f32 = 1e-7;

@group(0) @binding(5) var<storage, read_write> first_moment: array<f32>; // [values of all variables]
@group(0) @binding(6) var<storage, read_write> second_moment: array<f32>; // the same

fn update(variable: Variable, index: u32) {
    if is_skipped() {
        return;
    }
    let g = clipped(gradient_of(variable, index));
    let at = variable.first_value + index;
    let m = first_moment[at] + STEP_1 * (g - first_moment[at]);
    let v = second_moment[at] + STEP_2 * (g * g - second_moment[at]);
    first_moment[at] = m;
    second_moment[at] = v;
    weights[at] = decayed(variable, at) - number(0) * m / (sqrt(v) + EPSILON);
}
