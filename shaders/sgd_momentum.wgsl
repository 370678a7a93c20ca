// Gradient descent with momentum in Keras' form, for many variables in buffers that they share:
//   v = momentum v - learning rate * g;  w += v, or with Nesterov's momentum w += momentum v - learning rate * g
// With the parts progress, variables, each_value, read_ahead, tree, gradient and update. The last one has the first bindings.

const MOMENTUM: f32 = 0.9;
const NESTEROV: u32 = 0;

@group(0) @binding(5) var<storage, read_write> velocity: array<f32>; // [values of all variables]

fn update(variable: Variable, index: u32) {
    if is_skipped() {
        return;
    }
    let at = variable.first_value + index;
    let change = number(0) * clipped(gradient_of(variable, index));
    let v = MOMENTUM * velocity[at] - change;
    velocity[at] = v;
    if NESTEROV == 1 {
        weights[at] = decayed(variable, at) + (MOMENTUM * v - change);
    } else {
        weights[at] = decayed(variable, at) + v;
    }
}
