//! What the products' sums lose to rounding: on numbers that are no multiples of 1/8, against sums in f64.

use gpu_fmnist::gemm::{ArgmaxWord, Convolution, DeviceClass, GemmConfig, GemmKind};
use gpu_fmnist::geometry::{Padding, Window};
use gpu_fmnist::kernels::{Case, ConvForward, ConvInputGradient, ConvWeightGradient, GemmKernel, Kernel};

use crate::mutation::{Broken, mutation};
use crate::skips::skip;
use crate::{adapter, probe, row};

/// Products in a row that the CPU references add up before their sum joins the total.
const REFERENCE_BLOCK: usize = 64;

/// Real numbers in [-1, 1).
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let hash = |at: u32| {
        let mixed = (at ^ seed.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x7FEB_352D);
        (mixed ^ mixed >> 15).wrapping_mul(0x846C_A68B)
    };
    (0..count as u32).map(|at| (f64::from(hash(at)) / 2_147_483_648.0 - 1.0) as f32).collect()
}

/// The places of input `[N, H, W, C]`, kernel `[KH, KW, C, filters]` and output `[N, OH, OW, filters]` that meet in each of
/// the products of a convolution without a pool.
fn for_each_product(convolution: &Convolution, mut visit: impl FnMut(usize, usize, usize)) {
    let Convolution { batch, window, filters, .. } = *convolution;
    let Window { size, stride, pad, input: [height, width, channels], output } = window;
    for position in 0..batch * output[0] * output[1] {
        let (image, y, x) = (position / output[1] / output[0], position / output[1] % output[0], position % output[1]);
        for tap in 0..size[0] * size[1] {
            let (y, x) = (y * stride[0] + tap / size[1], x * stride[1] + tap % size[1]);
            if (pad[0]..pad[0] + height).contains(&y) && (pad[1]..pad[1] + width).contains(&x) {
                let pixel = (image * height + y - pad[0]) * width + x - pad[1];
                for (channel, filter) in (0..channels).flat_map(|channel| (0..filters).map(move |one| (channel, one))) {
                    let weight = (tap * channels + channel) * filters + filter;
                    visit(pixel * channels + channel, weight, position * filters + filter);
                }
            }
        }
    }
}

/// One of the three products on real numbers.
struct Real {
    name: &'static str,
    convolution: Convolution,
    /// Products in the longest sum.
    terms: usize,
    /// The kernel with a profile's configuration, and how many products it adds up before their sum joins the total.
    product: fn(Convolution, DeviceClass) -> (GemmKernel, usize),
    /// The binding that is written, and its values in f64.
    written: usize,
    memory: Vec<Vec<f32>>,
    expected: Vec<f64>,
}

impl Real {
    fn forward() -> Self {
        let convolution = Convolution::dense(48, 5408, 40);
        let product = |convolution: Convolution, class: DeviceClass| {
            let config = class.config(GemmKind::Forward, &convolution);
            (GemmKernel::Forward(ConvForward { convolution, bias: true, relu: false, config }), config.depth)
        };
        let (input, weights) = (numbers(1, convolution.inputs()), numbers(2, convolution.weights(true)));
        let bias = &weights[convolution.depth() * convolution.filters..];
        let mut expected: Vec<f64> = (0..48).flat_map(|_| bias).map(|&bias| bias.into()).collect();
        for_each_product(&convolution, |i, w, o| expected[o] += f64::from(input[i]) * f64::from(weights[w]));
        let memory = vec![input, weights, vec![0.0; expected.len()], vec![0.0]];
        Self { name: "conv_forward", convolution, terms: 5408, product, written: 2, memory, expected }
    }

    fn weight_gradient() -> Self {
        let window = Window::new([14, 14, 6], [3, 3], [1, 1], Padding::Valid).unwrap();
        let convolution = Convolution { batch: 32, window, filters: 24, pool: 1 };
        let product = |convolution: Convolution, class: DeviceClass| {
            let config = GemmConfig { partitions: 1, ..class.config(GemmKind::WeightGradient, &convolution) };
            let kernel = ConvWeightGradient { convolution, bias: true, word: ArgmaxWord::ONE, config };
            (GemmKernel::WeightGradient(kernel), config.depth)
        };
        let terms = convolution.positions();
        let (input, gradient) = (numbers(3, convolution.inputs()), numbers(4, terms * convolution.filters));
        // Without the bias, which is no product.
        let mut expected = vec![0.0; convolution.depth() * convolution.filters];
        for_each_product(&convolution, |i, w, o| expected[w] += f64::from(input[i]) * f64::from(gradient[o]));
        let memory = vec![input, gradient, vec![0.0], vec![0.0; convolution.weights(true)]];
        Self { name: "conv_weight_gradient", convolution, terms, product, written: 3, memory, expected }
    }

    fn input_gradient() -> Self {
        let window = Window::new([8, 8, 5], [3, 3], [1, 1], Padding::Same).unwrap();
        let convolution = Convolution { batch: 4, window, filters: 512, pool: 1 };
        let product = |convolution: Convolution, class: DeviceClass| {
            let config = class.config(GemmKind::InputGradient, &convolution);
            let kernel = ConvInputGradient { convolution, word: ArgmaxWord::ONE, relu_mask: None, config };
            (GemmKernel::InputGradient(kernel), config.depth)
        };
        let gradient = numbers(5, convolution.positions() * convolution.filters);
        let weights = numbers(6, convolution.weights(true));
        let mut expected = vec![0.0; convolution.inputs()];
        for_each_product(&convolution, |i, w, o| expected[i] += f64::from(gradient[o]) * f64::from(weights[w]));
        let memory = vec![gradient, vec![0.0], weights, vec![0.0], vec![0.0; expected.len()]];
        Self { name: "conv_input_gradient", convolution, terms: 9 * 512, product, written: 4, memory, expected }
    }

    fn case(&self, kernel: Box<dyn Kernel>) -> Case {
        let memory = self.memory.iter().map(|values| values.iter().map(|value| value.to_bits()).collect()).collect();
        Case { label: self.name.into(), kernel, memory, tolerances: Vec::new(), class: None }
    }

    /// The length of the error by that of the result.
    fn error(&self, memory: &[Vec<u32>]) -> f64 {
        let actual = memory[self.written].iter().map(|&word| f64::from(f32::from_bits(word)));
        let (error, length) = actual.zip(&self.expected).fold((0.0, 0.0), |(error, length), (actual, expected)| {
            (error + (actual - expected).powi(2), length + expected.powi(2))
        });
        f64::sqrt(error / length)
    }

    /// A rounding is off by 0.42 of half an epsilon, root mean square. A sum of so many terms of either sign in blocks has
    /// on average (block + terms / block) / 2 times its own square to round: 0.15 epsilon times the root of both. Allowed is
    /// two thirds more. One long sum would take the root of all terms.
    fn allowed(&self, block: usize) -> f64 {
        let (terms, block) = (self.terms as f64, block as f64);
        0.25 * f64::from(f32::EPSILON) * f64::sqrt(block + terms / block)
    }

    fn holds(&self) {
        let check = |who: &str, error: f64, block: usize| {
            let allowed = self.allowed(block);
            assert!(error > 0.0 && error <= allowed, "{}: {who} is off by {error:.2e} of {allowed:.2e}", self.name);
        };
        let (product, _) = (self.product)(self.convolution, DeviceClass::Cpu);
        check("the CPU reference", self.error(&self.case(boxed(product)).expected()), REFERENCE_BLOCK);
        let (run, dropped): (Vec<_>, Vec<_>) =
            DeviceClass::ALL.into_iter().partition(|class| class.compiles_on(adapter().class()));
        for class in run {
            let (product, block) = (self.product)(self.convolution, class);
            check(&format!("{class:?}"), self.error(&probe().run(&self.case(boxed(product))).unwrap()), block);
        }
        if !dropped.is_empty() {
            skip(&format!("{} cases of {} that this adapter takes minutes to compile", dropped.len(), self.name));
        }
    }
}

fn boxed(product: GemmKernel) -> Box<dyn Kernel> {
    match product {
        GemmKernel::Forward(kernel) => Box::new(kernel),
        GemmKernel::WeightGradient(kernel) => Box::new(kernel),
        GemmKernel::InputGradient(kernel) => Box::new(kernel),
    }
}

#[test]
fn forward_products_of_real_numbers_are_as_exact_as_blocks_make_them() {
    Real::forward().holds();
}

#[test]
fn weight_gradients_of_real_numbers_are_as_exact_as_blocks_make_them() {
    Real::weight_gradient().holds();
}

#[test]
fn input_gradients_of_real_numbers_are_as_exact_as_blocks_make_them() {
    Real::input_gradient().holds();
}

/// Products that join the total one by one lose more than is allowed.
#[test]
fn one_long_sum_is_noticed() {
    const B: &str = "(*b)[depth * THREAD_COLUMNS + j]";
    const SUM: &str = "(*sums)[i * THREAD_COLUMNS + j]";
    for real in [Real::forward(), Real::weight_gradient(), Real::input_gradient()] {
        let from = format!("block[accumulator] = fma(a, {B}, block[accumulator]);").leak();
        let to = format!("{SUM} = fma(a, {B}, {SUM});").leak();
        let broken = mutation("blocks", from, to).of(row(real.name));
        let (product, block) = (real.product)(real.convolution, adapter().class());
        let kernel: &'static dyn Kernel = Box::leak(boxed(product));
        let error = real.error(&probe().run(&real.case(Box::new(Broken { kernel, row: broken }))).unwrap());
        assert!(error > real.allowed(block), "{}: {error:.2e} of {:.2e}", real.name, real.allowed(block));
    }
}
