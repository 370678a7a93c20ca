//! Convolutions with 3 x 3 kernels and stride 1, and their gradients, by Winograd's minimal filtering, on the CPU path.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::matrix::{Matrix, Target, multiply, transpose};
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::winograd_points::{ALL_POINTS, Source, TileWindow, Tiles, along_both_axes, outputs, spaced, taps};
use super::{floats, floats_mut};
use crate::gemm::{Convolution, WINOGRAD_POINTS as POINTS, WINOGRAD_TILE as TILE};

const TAPS: usize = 9;

/// A kernel's values at the points are these sums of it.
const KERNEL_AT_POINTS: [[f32; 3]; POINTS] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// A convolution of images `[images, H, W, C]` to rows `[images x outputs, filters]`, those of a max-pool's window behind
/// one another.
pub(super) struct Winograd {
    /// `[H, W, C]`
    input: [usize; 3],
    pad: [usize; 2],
    /// Height and width ahead of the pool.
    output: [usize; 2],
    filters: usize,
    pool: usize,
    /// At the points, `[points, C, filters]`.
    kernel: Scratch,
}

impl Winograd {
    /// `kernel [3, 3, C, filters]`
    pub fn forward(convolution: &Convolution, kernel: &[f32]) -> Self {
        let output = convolution.pooled().map(|extent| extent * convolution.pool);
        let Convolution { window, filters, pool, .. } = *convolution;
        Self { input: window.input, pad: window.pad, output, filters, pool, kernel: kernel_at_points(kernel) }
    }

    /// The gradient of the input of a convolution without a pool: a convolution of the output's gradient with the kernel turned
    /// by 180 degrees.
    pub fn input_gradient(convolution: &Convolution, kernel: &[f32]) -> Self {
        let (window, filters) = (convolution.window, convolution.filters);
        let [height, width, channels] = window.input;
        let of_tap = channels * filters;
        let mut turned = Scratch::new(TAPS * of_tap);
        for (turned, tap) in floats_mut(&mut turned).chunks_exact_mut(of_tap).zip(kernel.chunks_exact(of_tap).rev()) {
            transpose(tap, filters, turned);
        }
        Self {
            input: [window.output[0], window.output[1], filters],
            pad: window.pad.map(|pad| 2 - pad),
            output: [height, width],
            filters: channels,
            pool: 1,
            kernel: kernel_at_points(floats(&turned)),
        }
    }

    /// Images of a batch at a time, a multiple of `unit`: as many as have enough tiles, or fewer so that every core has work.
    pub fn images(&self, batch: usize, unit: usize) -> usize {
        let shared = batch.div_ceil(2 * rayon::current_num_threads());
        Tiles::of(self.output).images().min(shared).next_multiple_of(unit)
    }

    /// `output` becomes the rows of these images of the input.
    pub fn multiply(&self, images: Range<usize>, input: &[f32], output: &mut [f32]) {
        let (channels, filters, tiles) = (self.input[2], self.filters, Tiles::of(self.output));
        let count = tiles.count(images.len());
        let [data, products] = [channels, filters].map(|columns| spaced(count * columns));
        let window = TileWindow::Inputs { pad: self.pad };
        let at_points = Source { values: input, images, extents: self.input, tiles, window }.at_points();
        let mut product = Scratch::new(ALL_POINTS * products);
        let product = floats_mut(&mut product);
        let kernel = floats(&self.kernel).chunks_exact(channels * filters);
        let points = floats(&at_points).chunks_exact(data).zip(kernel).zip(product.chunks_exact_mut(products));
        for ((data, kernel), product) in points {
            let data = Matrix::new(data, count, channels);
            multiply(&mut product[..count * filters], Target::Overwrite, data, 0, kernel, filters);
        }
        Arch::new().dispatch(Interpolate { shape: self, product, tiles, count, output });
    }

    /// Where an image's output is among its rows.
    fn row(&self, y: usize, x: usize) -> usize {
        let pool = self.pool;
        (y / pool * (self.output[1] / pool) + x / pool) * pool * pool + y % pool * pool + x % pool
    }
}

/// `[points, C, filters]` of `kernel [3, 3, C, filters]`.
fn kernel_at_points(kernel: &[f32]) -> Scratch {
    let count = kernel.len() / TAPS;
    let mut at_points = Scratch::new(ALL_POINTS * count);
    floats_mut(&mut at_points).par_chunks_exact_mut(count).enumerate().for_each(|(point, values)| {
        let [down, across] = [point / POINTS, point % POINTS].map(|point| KERNEL_AT_POINTS[point]);
        values.fill(0.0);
        for (tap, kernel) in kernel.chunks_exact(count).enumerate() {
            let factor = down[tap / 3] * across[tap % 3];
            vectorised(
                #[inline(always)]
                || values.iter_mut().zip(kernel).for_each(|(value, kernel)| *value += factor * kernel),
            );
        }
    });
    at_points
}

/// The kernel's gradient `[3, 3, C, filters]` of these images, from the input `[batch, H, W, C]` and the output's gradient
/// `[batch, OH, OW, filters]`, of a convolution without a pool.
pub(super) fn weight_gradient(
    convolution: &Convolution,
    images: Range<usize>,
    [input, gradient]: [&[f32]; 2],
    sums: &mut [f32],
) {
    let Convolution { window, filters, .. } = *convolution;
    let channels = window.input[2];
    let output = [window.output[0], window.output[1], filters];
    let tiles = Tiles::of(window.output);
    let of_point = spaced(channels * filters);
    let mut at_points = Scratch::new(ALL_POINTS * of_point);
    let at_points = floats_mut(&mut at_points);
    at_points.fill(0.0);
    for first in images.clone().step_by(tiles.images()) {
        let images = first..images.end.min(first + tiles.images());
        let count = tiles.count(images.len());
        let source = Source {
            values: input,
            images,
            extents: window.input,
            tiles,
            window: TileWindow::Inputs { pad: window.pad },
        };
        let left = source.clone().at_points();
        let right = Source { values: gradient, extents: output, window: TileWindow::Gradients, ..source }.at_points();
        let [left, right] = [(&left, channels), (&right, filters)]
            .map(|(values, columns)| floats(values).chunks_exact(spaced(count * columns)));
        for ((left, right), sums) in left.zip(right).zip(at_points.chunks_exact_mut(of_point)) {
            let left = Matrix::new(left, count, channels).transposed();
            multiply(&mut sums[..channels * filters], Target::Accumulate, left, 0, right, filters);
        }
    }
    Arch::new().dispatch(InterpolateTaps { at_points, values: channels * filters, sums });
}

/// Makes a kernel's gradient `[3, 3, values]` of that at the points.
struct InterpolateTaps<'a> {
    at_points: &'a [f32],
    values: usize,
    sums: &'a mut [f32],
}

impl WithSimd for InterpolateTaps<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (at_points, sums) = (S::as_simd_f32s(self.at_points).0, S::as_mut_simd_f32s(self.sums).0);
        let (vectors, step) = (self.values / S::F32_LANES, spaced(self.values) / S::F32_LANES);
        for vector in 0..vectors {
            along_both_axes(
                simd,
                #[inline(always)]
                |y, x| at_points[(y * POINTS + x) * step + vector],
                #[inline(always)]
                |simd, points| taps(simd, points),
                #[inline(always)]
                |y, x, value| sums[(y * 3 + x) * vectors + vector] = value,
            );
        }
    }
}

/// Makes the output's rows of `product [points, tiles, filters]`.
struct Interpolate<'a> {
    shape: &'a Winograd,
    product: &'a [f32],
    tiles: Tiles,
    count: usize,
    output: &'a mut [f32],
}

impl WithSimd for Interpolate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { shape: Winograd { output: [height, width], filters, .. }, tiles, count, .. } = self;
        let (product, output) = (S::as_simd_f32s(self.product).0, S::as_mut_simd_f32s(self.output).0);
        let (vectors, step) = (filters / S::F32_LANES, spaced(count * filters) / S::F32_LANES);
        for tile in 0..count {
            let [image, top, left] = tiles.place(tile);
            let rows: [Option<usize>; TILE * TILE] = std::array::from_fn(
                #[inline(always)]
                |at| {
                    let (y, x) = (top + at / TILE, left + at % TILE);
                    (y < *height && x < *width).then(|| (image * height * width + self.shape.row(y, x)) * vectors)
                },
            );
            for vector in 0..vectors {
                along_both_axes(
                    simd,
                    #[inline(always)]
                    |y, x| product[(y * POINTS + x) * step + tile * vectors + vector],
                    #[inline(always)]
                    |simd, points| outputs(simd, points),
                    #[inline(always)]
                    |y, x, value| {
                        if let Some(row) = rows[y * TILE + x] {
                            output[row + vector] = value;
                        }
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::{Case, Draw};
    use super::super::convolution_cases::word;
    use super::super::{
        Access, ConvForward, ConvInputGradient, ConvWeightGradient, conv_forward, conv_input_gradient,
        conv_weight_gradient,
    };
    use crate::gemm::examples::window;
    use crate::gemm::{Convolution, DeviceClass, GemmConfig, GemmKind};
    use crate::geometry::Padding;

    fn convolution(batch: usize, input: [usize; 3], padding: Padding, filters: usize, pool: usize) -> Convolution {
        Convolution { batch, window: window(input, [3, 3], [1, 1], padding), filters, pool }
    }

    /// What a kernel makes of random numbers: those that it writes, and the words that it writes.
    fn written(mut case: Case) -> (Vec<f32>, Vec<u32>) {
        let bindings = case.kernel.descriptor().bindings;
        let draw = &mut Draw::new(7);
        for (binding, memory) in bindings.iter().zip(&mut case.memory) {
            if binding.access == Access::Read && binding.element.is_number() {
                *memory = draw.numbers(memory.len(), 1.0);
            }
        }
        let (mut numbers, mut words) = (Vec::new(), Vec::new());
        for (binding, memory) in bindings.iter().zip(case.expected()) {
            match (binding.access, binding.element.is_number()) {
                (Access::Read, _) => (),
                (Access::Write, true) => numbers.extend(memory.into_iter().map(f32::from_bits)),
                (Access::Write, false) => words.extend(memory),
            }
        }
        (numbers, words)
    }

    #[test]
    fn it_computes_what_the_products_do() {
        let convolutions = [
            convolution(5, [14, 14, 16], Padding::Same, 32, 2),
            // Outputs that tiles do not divide, and a row and column that no window of the pool reaches.
            convolution(9, [7, 7, 32], Padding::Same, 16, 2),
            convolution(13, [7, 7, 32], Padding::Same, 48, 1),
            convolution(2, [13, 9, 16], Padding::Valid, 16, 1),
            convolution(60, [3, 3, 64], Padding::Same, 16, 1),
        ];
        let near = |found: &[f32], expected: &[f32], what: &str| {
            for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!((found - expected).abs() < 5e-4, "{at} of {what}: {found}, not {expected}");
            }
        };
        for convolution in convolutions {
            let config = |kind| DeviceClass::Cpu.config(kind, &convolution);
            let by_winograd = config(GemmKind::Forward);
            assert!(by_winograd.winograd);
            let forward = |config| {
                let kernel = ConvForward { convolution, bias: true, relu: true, config };
                written(conv_forward::case_of(String::new(), kernel, &mut Draw::new(1)))
            };
            let direct = GemmConfig { winograd: false, ..by_winograd };
            let ((found, winners), (expected, expected_winners)) = (forward(by_winograd), forward(direct));
            near(&found, &expected, &format!("{convolution:?}"));
            assert_eq!(winners, expected_winners);

            let by_winograd = config(GemmKind::InputGradient);
            assert_eq!(by_winograd.winograd, convolution.pool == 1);
            let gradient = |config| {
                let word = word(&convolution, DeviceClass::Cpu);
                let kernel = ConvInputGradient { convolution, word, relu_mask: Some(2.0), config };
                written(conv_input_gradient::case_of(String::new(), kernel, &mut Draw::new(1)))
            };
            let direct = GemmConfig { winograd: false, ..by_winograd };
            near(&gradient(by_winograd).0, &gradient(direct).0, &format!("the gradient of {convolution:?}"));

            let by_winograd = config(GemmKind::WeightGradient);
            assert_eq!(by_winograd.winograd, convolution.pool == 1);
            let gradient = |config| {
                let word = word(&convolution, DeviceClass::Cpu);
                let kernel = ConvWeightGradient { convolution, bias: true, word, config };
                let partitions = written(conv_weight_gradient::case_of(String::new(), kernel, &mut Draw::new(1))).0;
                let mut sums = vec![0.0; convolution.weights(true)];
                for partition in partitions.chunks_exact(sums.len()) {
                    sums.iter_mut().zip(partition).for_each(|(sum, value)| *sum += value);
                }
                sums
            };
            let direct = GemmConfig { winograd: false, ..by_winograd };
            near(&gradient(by_winograd), &gradient(direct), &format!("the kernel's gradient of {convolution:?}"));
        }
    }
}
