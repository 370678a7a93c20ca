// The gradient of a value that went through ReLU, then dropout: where the value is positive the unit was active and kept, and
// its gradient is scaled as it was; elsewhere it is zero.

// 1: the input went through ReLU, and then dropout that scaled by SCALE.
const RELU_MASK: u32 = 1;
const SCALE: f32 = 1.0;

fn masked(gradient: f32, value: f32) -> f32 {
    return select(0.0, gradient * SCALE, value > 0.0);
}
