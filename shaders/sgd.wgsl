// Gradient descent without momentum, for many variables in buffers that they share: w -= learning rate * g
// With the parts progress, variables, each_value, read_ahead, tree, gradient and update. The last one has the first bindings.

fn update(variable: Variable, index: u32) {
    let at = variable.first_value + index;
    if !is_skipped() {
        weights[at] = decayed(variable, at) - number(0) * clipped(gradient_of(variable, index));
    }
}
