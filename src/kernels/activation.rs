//! What a layer does to each value, and the slope of that: the host's side of `shaders/common/activation.wgsl`. The
//! exponential and what is made of it are polynomials, so that loops over values become vectors.

use super::vectors::vectorised;
use super::{Constants, Tolerance, Value};

/// A function of single numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Function {
    /// x
    #[default]
    Linear,
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), the number)
    ReluUpTo(f32),
    /// x times the normal distribution's share below x
    Gelu,
    /// x / (1 + e^-x)
    Silu,
    /// x, or the number times x below 0
    LeakyRelu(f32),
    /// x, or the number times (e^x - 1) below 0
    Elu(f32),
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
}

/// One of each.
pub(super) const EXAMPLES: [Function; 9] = [
    Function::Linear,
    Function::Relu,
    Function::ReluUpTo(0.75),
    Function::Gelu,
    Function::Silu,
    Function::LeakyRelu(0.25),
    Function::Elu(0.5),
    Function::Tanh,
    Function::Sigmoid,
];

impl Function {
    /// The constants of `shaders/common/activation.wgsl`.
    pub(super) fn constants(self) -> Constants {
        let (number, parameter) = match self {
            Self::Linear => (0, 0.0),
            Self::Relu => (1, 0.0),
            Self::ReluUpTo(most) => (2, most),
            Self::Gelu => (3, 0.0),
            Self::Silu => (4, 0.0),
            Self::LeakyRelu(slope) => (5, slope),
            Self::Elu(alpha) => (6, alpha),
            Self::Tanh => (7, 0.0),
            Self::Sigmoid => (8, 0.0),
        };
        vec![("ACTIVATION", Value::U32(number)), ("PARAMETER", Value::F32(parameter))]
    }

    /// Operations on one value, as [`Kernel::operations`](super::Kernel::operations) counts them.
    pub(super) fn operations(self) -> usize {
        match self {
            Self::Linear | Self::Relu | Self::ReluUpTo(_) => 0,
            Self::LeakyRelu(_) => 1,
            Self::Elu(_) | Self::Sigmoid => 3,
            Self::Silu => 4,
            Self::Gelu | Self::Tanh => 20,
        }
    }

    /// How far a shader's values may be from ours: exponentials and divisions are not the same everywhere.
    pub(super) fn tolerance(self) -> Tolerance {
        match self {
            Self::Linear | Self::Relu | Self::ReluUpTo(_) | Self::LeakyRelu(_) => Tolerance::EXACT,
            Self::Gelu | Self::Silu | Self::Elu(_) | Self::Tanh | Self::Sigmoid => {
                Tolerance { relative: 2e-6, absolute: 2e-6 }
            }
        }
    }

    /// The function of each of what is given.
    pub(super) fn activate(self, given: Given, output: &mut [f32]) {
        match self {
            Self::Linear => given.each(output, |x, _| x),
            Self::Relu => given.each(output, |x, _| relu(x)),
            Self::ReluUpTo(most) => given.each(output, |x, _| relu(x).min(most)),
            Self::Gelu => given.each(output, gelu),
            Self::Silu => given.each(output, |x, _| x * sigmoid(x)),
            Self::LeakyRelu(slope) => given.each(output, |x, _| if x > 0.0 { x } else { slope * x }),
            Self::Elu(alpha) => given.each(output, |x, _| if x > 0.0 { x } else { alpha * (exp(x) - 1.0) }),
            Self::Tanh => given.each(output, |x, _| tanh(x)),
            Self::Sigmoid => given.each(output, |x, _| sigmoid(x)),
        }
    }

    /// Takes gradients of what the function made back to what it was given, in place: each times the slope there.
    pub(super) fn descend(self, given: Given, gradients: &mut [f32]) {
        match self {
            Self::Linear => (),
            Self::Relu => given.each(gradients, |x, gradient| if x > 0.0 { gradient } else { 0.0 }),
            Self::ReluUpTo(most) => {
                given.each(gradients, |x, gradient| if x > 0.0 && x < most { gradient } else { 0.0 });
            }
            Self::Gelu => given.each(gradients, gelu_back),
            Self::Silu => given.each(gradients, silu_back),
            Self::LeakyRelu(slope) => {
                given.each(gradients, |x, gradient| if x > 0.0 { gradient } else { slope * gradient });
            }
            Self::Elu(alpha) => {
                given.each(gradients, |x, gradient| if x > 0.0 { gradient } else { alpha * exp(x) * gradient });
            }
            Self::Tanh => given.each(gradients, |x, gradient| gradient * (1.0 - tanh(x) * tanh(x))),
            Self::Sigmoid => given.each(gradients, |x, gradient| gradient * sigmoid(x) * (1.0 - sigmoid(x))),
        }
    }
}

/// What a function is given: x, scaled and moved where there are numbers for it, and another value.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub x: &'a [f32],
    /// As many as x, or more.
    pub affine: Option<[&'a [f32]; 2]>,
    pub before: Option<&'a [f32]>,
}

impl Given<'_> {
    /// `function` of each number given, and of what the place that it goes to held before. The loops are in the closure
    /// itself: what `for_each` is given may be left out of it, and so out of its vectors.
    #[inline(always)]
    fn each(self, output: &mut [f32], function: impl Fn(f32, f32) -> f32) {
        let Self { x, affine, before } = self;
        vectorised(
            #[inline(always)]
            || match (affine, before) {
                (None, None) => {
                    for (output, x) in output.iter_mut().zip(x) {
                        *output = function(*x, *output);
                    }
                }
                (None, Some(before)) => {
                    for ((output, x), before) in output.iter_mut().zip(x).zip(before) {
                        *output = function(x + before, *output);
                    }
                }
                (Some([scales, shifts]), None) => {
                    for (((output, x), scale), shift) in output.iter_mut().zip(x).zip(scales).zip(shifts) {
                        *output = function(x * scale + shift, *output);
                    }
                }
                (Some([scales, shifts]), Some(before)) => {
                    let affine = scales.iter().zip(shifts).zip(before);
                    for ((output, x), ((scale, shift), before)) in output.iter_mut().zip(x).zip(affine) {
                        *output = function(x * scale + shift + before, *output);
                    }
                }
            },
        );
    }
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}

/// 1 / sqrt(2 pi): the normal distribution's density at 0.
const NORMAL_PEAK: f32 = 0.398_942_3;

/// The share of the normal distribution that is below x; where it is nothing, x times what rounding leaves would be
/// something.
#[inline(always)]
fn normal_share(x: f32) -> f32 {
    let share = 0.5 + 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2);
    if x < -5.5 { 0.0 } else { share }
}

#[inline(always)]
fn gelu(x: f32, _: f32) -> f32 {
    x * normal_share(x)
}

#[inline(always)]
fn gelu_back(x: f32, gradient: f32) -> f32 {
    gradient * (normal_share(x) + x * NORMAL_PEAK * exp(-0.5 * x * x))
}

#[inline(always)]
fn silu_back(x: f32, gradient: f32) -> f32 {
    let share = sigmoid(x);
    gradient * share * (1.0 + x * (1.0 - share))
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// e^x = 2^n e^r, where n is whole and r within half of ln 2 around 0; Cephes' polynomial. What is beyond f32's normal
/// numbers stays just within them.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // 1.5 * 2^23: what is added to it is rounded to a whole number, which is then in its lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    // ln 2 in two parts; products of the first with whole numbers are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + WHOLE;
    let n = shifted - WHOLE;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let terms = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5];
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    (polynomial(1.987_569_1e-4, terms, r) * r * r + r + 1.0) * power
}

/// The error function, as a quotient of polynomials (Eigen's); beyond the clamp it is 1 in f32.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-3.832_507, 3.832_507);
    let above = [2.770_681_5e-8, -2.101_024e-6, -5.692_506_2e-5, -7.349_906_4e-4, -2.954_6e-3, -1.609_603_3e-2];
    let below = [-2.133_740_5e-4, -1.682_827e-3, -7.373_329_3e-3, -1.426_473_9e-2];
    x * polynomial(-2.726_142_4e-10, above, x * x) / polynomial(-1.456_607_15e-5, below, x * x)
}

/// The hyperbolic tangent, likewise.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-7.905_311, 7.905_311);
    let above = [2.000_188e-13, -8.604_672e-11, 5.122_297_3e-8, 1.485_722_35e-5, 6.372_619_5e-4, 4.893_524_6e-3];
    let below = [1.185_347_1e-4, 2.268_434_7e-3, 4.893_525e-3];
    x * polynomial(-2.760_768_4e-16, above, x * x) / polynomial(1.198_258_4e-6, below, x * x)
}

/// Of coefficients from the highest power's on.
#[inline(always)]
fn polynomial<const TERMS: usize>(highest: f32, others: [f32; TERMS], x: f32) -> f32 {
    others.into_iter().fold(highest, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from -limit to limit, close together; near 0 closer.
    fn grid(limit: f32) -> impl Iterator<Item = f32> {
        (-200_000..=200_000)
            .map(move |at| at as f32 / 200_000.0)
            .flat_map(move |part| [limit * part, part * part * part])
    }

    /// The largest distance of the polynomial from f64's function, divided by `scale` of the latter.
    fn furthest(limit: f32, ours: fn(f32) -> f32, exact: fn(f64) -> f64, scale: fn(f64) -> f64) -> f64 {
        let distance = |x: f32| {
            let exact = exact(x.into());
            (f64::from(ours(x)) - exact).abs() / scale(exact)
        };
        let furthest = grid(limit).map(distance).fold(0.0, |most, one| if one <= most { most } else { one });
        assert!(furthest > 0.0);
        furthest
    }

    #[test]
    fn polynomials_are_the_functions() {
        assert!(furthest(87.0, exp, f64::exp, |exact| exact) < 3e-7);
        assert!(furthest(20.0, erf, libm::erf, |_| 1.0) < 5e-7);
        assert!(furthest(20.0, tanh, f64::tanh, |_| 1.0) < 5e-7);
        assert!(furthest(200.0, sigmoid, |x| 1.0 / (1.0 + (-x).exp()), |_| 1.0) < 3e-7);
        // Near 0 odd functions lose nothing.
        assert!(furthest(0.1, erf, libm::erf, |exact| exact.abs().max(f64::MIN_POSITIVE)) < 5e-7);
        assert!(furthest(0.1, tanh, f64::tanh, |exact| exact.abs().max(f64::MIN_POSITIVE)) < 5e-7);
    }

    /// f64's meaning of each function, and its slope where it has one.
    fn exact(function: Function, x: f64) -> [f64; 2] {
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        let share = 0.5 + 0.5 * libm::erf(x / 2.0_f64.sqrt());
        let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let either = |above: [f64; 2], below: [f64; 2]| if x > 0.0 { above } else { below };
        match function {
            Function::Linear => [x, 1.0],
            Function::Relu => either([x, 1.0], [0.0, 0.0]),
            Function::ReluUpTo(most) if x >= most.into() => [most.into(), 0.0],
            Function::ReluUpTo(_) => either([x, 1.0], [0.0, 0.0]),
            Function::Gelu => [x * share, share + x * density],
            Function::Silu => [x * sigmoid, sigmoid * (1.0 + x * (1.0 - sigmoid))],
            Function::LeakyRelu(slope) => either([x, 1.0], [f64::from(slope) * x, slope.into()]),
            Function::Elu(alpha) => either([x, 1.0], [f64::from(alpha) * (x.exp() - 1.0), f64::from(alpha) * x.exp()]),
            Function::Tanh => [x.tanh(), 1.0 - x.tanh() * x.tanh()],
            Function::Sigmoid => [sigmoid, sigmoid * (1.0 - sigmoid)],
        }
    }

    #[test]
    fn functions_and_slopes_are_what_they_are_called() {
        for function in EXAMPLES {
            for x in grid(100.0) {
                let given = Given { x: &[x], affine: None, before: None };
                let (mut value, mut gradient) = ([0.0], [-2.0]);
                function.activate(given, &mut value);
                function.descend(given, &mut gradient);
                let [exact_value, exact_slope] = exact(function, x.into());
                let near = |actual: f32, exact: f64| (f64::from(actual) - exact).abs() <= 2e-6 * exact.abs().max(1.0);
                assert!(near(value[0], exact_value), "{function:?} of {x} is {exact_value}, not {}", value[0]);
                assert!(near(gradient[0], -2.0 * exact_slope), "slope of {function:?} at {x}: {exact_slope}");
            }
        }
    }
}
