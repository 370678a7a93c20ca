// What a layer does to each value, and the slope of that where the value was x. Which function it is, and its number:
// src/kernels/activation.rs.

const ACTIVATION: u32 = 0;
const PARAMETER: f32 = 0.0;

const RELU: u32 = 1;
const RELU_UP_TO: u32 = 2;
const GELU: u32 = 3;
const SILU: u32 = 4;
const LEAKY_RELU: u32 = 5;
const ELU: u32 = 6;
const TANH: u32 = 7;
const SIGMOID: u32 = 8;

fn activate(x: f32) -> f32 {
    switch ACTIVATION {
        case RELU: { return max(x, 0.0); }
        case RELU_UP_TO: { return clamp(x, 0.0, PARAMETER); }
        case GELU: { return x * normal_share(x); }
        case SILU: { return x * sigmoid(x); }
        case LEAKY_RELU: { return select(PARAMETER * x, x, x > 0.0); }
        case ELU: { return select(PARAMETER * (power(x) - 1.0), x, x > 0.0); }
        case TANH: { return hyperbolic_tangent(x); }
        case SIGMOID: { return sigmoid(x); }
        default: { return x; }
    }
}

fn slope(x: f32) -> f32 {
    switch ACTIVATION {
        case RELU: { return select(0.0, 1.0, x > 0.0); }
        case RELU_UP_TO: { return select(0.0, 1.0, x > 0.0 && x < PARAMETER); }
        case GELU: { return normal_share(x) + x * 0.3989423 * power(-0.5 * x * x); }
        case SILU: { return sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))); }
        case LEAKY_RELU: { return select(PARAMETER, 1.0, x > 0.0); }
        case ELU: { return select(PARAMETER * power(x), 1.0, x > 0.0); }
        case TANH: { return 1.0 - hyperbolic_tangent(x) * hyperbolic_tangent(x); }
        case SIGMOID: { return sigmoid(x) * (1.0 - sigmoid(x)); }
        default: { return 1.0; }
    }
}

// e^x, but for what is beyond f32's normal numbers: some drivers make NaN of what overflows.
fn power(x: f32) -> f32 {
    return exp(clamp(x, -87.0, 88.0));
}

fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + power(-x));
}

// The share of the normal distribution that is below x; where it is nothing, x times what rounding leaves would be
// something.
fn normal_share(x: f32) -> f32 {
    return select(0.5 + 0.5 * error_function(x * 0.70710677), 0.0, x < -5.5);
}

// The error function, as a quotient of polynomials (Eigen's); beyond the clamp it is 1 in f32.
fn error_function(unbounded: f32) -> f32 {
    let x = clamp(unbounded, -3.832507, 3.832507);
    let q = x * x;
    let above = (((((-2.7261424e-10 * q + 2.7706815e-8) * q - 2.101024e-6) * q - 5.6925062e-5) * q - 7.3499064e-4) * q
        - 2.9546e-3) * q - 1.6096033e-2;
    let below = (((-1.45660715e-5 * q - 2.1337405e-4) * q - 1.682827e-3) * q - 7.3733293e-3) * q - 1.4264739e-2;
    return x * above / below;
}

// The hyperbolic tangent, likewise: the built-in one may be 1e-5 off, or NaN where its exponentials overflow.
fn hyperbolic_tangent(unbounded: f32) -> f32 {
    let x = clamp(unbounded, -7.905311, 7.905311);
    let q = x * x;
    let above = (((((-2.7607684e-16 * q + 2.000188e-13) * q - 8.604672e-11) * q + 5.1222973e-8) * q + 1.48572235e-5) * q
        + 6.3726195e-4) * q + 4.8935246e-3;
    let below = ((1.1982584e-6 * q + 1.1853471e-4) * q + 2.2684347e-3) * q + 4.893525e-3;
    return x * above / below;
}
