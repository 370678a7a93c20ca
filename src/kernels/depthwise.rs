//! What the depthwise kernels share: shapes, constants, and how their CPU references lay out images.
//!
//! A row of outputs `[OW * C * M]` is a sum of products over taps, value by value, if each tap has such a row of inputs. So the
//! references copy an image once into a *frame*: with zeros around, each channel as often as it has outputs, and, where the
//! stride is s, columns 0, s, 2s ... ahead of columns 1, s + 1 ...; then every tap's inputs are a run of it.

use std::ops::Range;

use super::case::Draw;
use super::scratch::Scratch;
use super::{Constants, floats_mut};
use crate::gemm::examples::window;
use crate::gemm::{Convolution, MOST_WORDS};
use crate::geometry::{Padding, Window};

/// A depthwise convolution of a batch: output channel `c * multiplier + m` is of the input's channel c.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depthwise {
    pub batch: usize,
    pub window: Window,
    pub multiplier: usize,
    /// Whether a bias lies behind the kernel.
    pub bias: bool,
}

/// Values of a row that a loop goes over, at the least, where there are so many.
const PERIOD: usize = 256;

impl Depthwise {
    /// Channels of the output.
    pub fn filters(&self) -> usize {
        self.window.input[2].saturating_mul(self.multiplier)
    }

    pub(super) fn taps(&self) -> usize {
        self.window.size[0].saturating_mul(self.window.size[1])
    }

    /// Rows `[filters]` of kernel and bias.
    pub(super) fn weight_rows(&self) -> usize {
        self.taps() + usize::from(self.bias)
    }

    /// Values of kernel and bias.
    pub fn weights(&self) -> usize {
        self.weight_rows() * self.filters()
    }

    /// The same geometry where each output is of all channels.
    pub(super) fn convolution(&self) -> Convolution {
        Convolution { batch: self.batch, window: self.window, filters: self.filters(), pool: 1 }
    }

    pub(super) fn inputs(&self) -> usize {
        self.convolution().inputs()
    }

    pub(super) fn outputs(&self) -> usize {
        self.convolution().positions() * self.filters()
    }

    pub(super) fn constants(&self) -> Constants {
        [self.convolution().constants(), vec![("MULTIPLIER", self.multiplier.into())]].concat()
    }

    /// Threads of a workgroup whose threads are so many channels.
    pub(super) fn threads(channels: usize) -> usize {
        channels.next_multiple_of(8).min(64)
    }

    /// Values of an image's frame.
    pub(super) fn frame_values(&self) -> usize {
        let [rows, phases, columns] = self.frame();
        rows * phases * columns * self.filters()
    }

    /// Rows of a frame, how many runs each has, and columns of a run.
    fn frame(&self) -> [usize; 3] {
        let Window { size, stride, output, .. } = self.window;
        let rows = (output[0] - 1) * stride[0] + size[0];
        [rows, stride[1].min(size[1]), output[1] + (size[1] - 1) / stride[1]]
    }

    /// Where the inputs of each tap for the first row of the outputs begin in a frame, and how far those for the next are.
    pub(super) fn runs(&self) -> (Scratch, usize) {
        let Window { size, stride, .. } = self.window;
        let [_, phases, columns] = self.frame();
        let row = phases * columns * self.filters();
        let mut runs = Scratch::new(self.taps());
        for (tap, run) in runs.iter_mut().enumerate() {
            let [y, x] = [tap / size[1], tap % size[1]];
            *run = (y * row + (x % stride[1] * columns + x / stride[1]) * self.filters()) as u32;
        }
        (runs, stride[0] * row)
    }

    /// Calls `visit(value of the image, value of the frame, pixels)` with the first channel's places of pixels, side by side,
    /// that are in both.
    #[inline(always)]
    fn for_each_pixels(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let Window { stride, pad, input: [height, width, channels], .. } = self.window;
        let [rows, phases, columns] = self.frame();
        for y in 0..height.min(rows.saturating_sub(pad[0])) {
            for phase in 0..phases {
                let framed = ((y + pad[0]) * phases + phase) * columns;
                // Columns whose pixel x = column * stride + phase - pad is one.
                let begin = pad[1].saturating_sub(phase).div_ceil(stride[1]);
                let end = (width + pad[1]).saturating_sub(phase).div_ceil(stride[1]).min(columns);
                let pixel = |column: usize| (y * width + column * stride[1] + phase - pad[1]) * channels;
                if stride[1] == 1 && begin < end {
                    visit(pixel(begin), (framed + begin) * self.filters(), end - begin);
                } else {
                    (begin..end).for_each(|column| visit(pixel(column), (framed + column) * self.filters(), 1));
                }
            }
        }
    }

    /// Copies an image `[H, W, C]` into its frame, which is zero around it.
    #[inline(always)]
    pub(super) fn fill(&self, image: &[f32], frame: &mut [f32]) {
        let ([.., channels], multiplier) = (self.window.input, self.multiplier);
        self.for_each_pixels(|pixel, framed, pixels| {
            let values = &image[pixel..pixel + pixels * channels];
            let copies = &mut frame[framed..framed + pixels * channels * multiplier];
            match multiplier {
                1 => copies.copy_from_slice(values),
                _ => copies.chunks_exact_mut(multiplier).zip(values).for_each(|(copies, value)| copies.fill(*value)),
            }
        });
    }

    /// Adds up what a frame has of an image's values `[H, W, C]`; what no tap reaches is zero.
    #[inline(always)]
    pub(super) fn gather(&self, frame: &[f32], image: &mut [f32]) {
        let ([.., channels], multiplier) = (self.window.input, self.multiplier);
        image.fill(0.0);
        self.for_each_pixels(|pixel, framed, pixels| {
            let values = &mut image[pixel..pixel + pixels * channels];
            let copies = &frame[framed..framed + pixels * channels * multiplier];
            match multiplier {
                1 => values.copy_from_slice(copies),
                _ => {
                    let sums = copies.chunks_exact(multiplier).map(|copies| copies.iter().sum::<f32>());
                    values.iter_mut().zip(sums).for_each(|(value, sum)| *value = sum);
                }
            }
        });
    }

    /// Values of a row of outputs after which the channels are the same again.
    pub(super) fn period(&self) -> usize {
        self.filters() * PERIOD.div_ceil(self.filters())
    }

    /// Every row of kernel and bias, repeated over a period.
    pub(super) fn repeated(&self, weights: &[f32]) -> Scratch {
        let mut repeated = Scratch::new(self.weight_rows() * self.period());
        let rows = weights.chunks_exact(self.filters());
        for (row, repeated) in rows.zip(floats_mut(&mut repeated).chunks_exact_mut(self.period())) {
            repeated.chunks_exact_mut(row.len()).for_each(|copy| copy.copy_from_slice(row));
        }
        repeated
    }

    /// Ranges of a row of outputs, a period each.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (values, period) = (self.window.output[1] * self.filters(), self.period());
        (0..values).step_by(period).map(move |first| first..values.min(first + period))
    }

    /// What makes the numbers impossible for the shaders, if anything does.
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        let rule = Convolution { filters: 1, ..self.convolution() }.broken_rule();
        let [height, width] = self.window.output;
        let sizes = [self.batch, height, width, self.filters()];
        let fits = |sizes: &[usize]| sizes.iter().fold(1, |all: usize, size| all.saturating_mul(*size)) <= MOST_WORDS;
        let weights = [self.taps().saturating_add(1), self.filters()];
        rule.or_else(|| (self.multiplier == 0).then_some("a channel has an output"))
            .or_else(|| (!fits(&sizes) || !fits(&weights)).then_some("its output and weights can be addressed"))
    }
}

/// sums += left * right, value by value, as far as the shortest goes.
#[inline(always)]
pub(super) fn add_products(sums: &mut [f32], left: &[f32], right: &[f32]) {
    sums.iter_mut().zip(left.iter().zip(right)).for_each(|(sum, (left, right))| *sum += left * right);
}

/// A frame of zeros.
pub(super) fn zeros(values: usize) -> Scratch {
    let mut frame = Scratch::new(values);
    frame.fill(0);
    frame
}

/// Kernels 1 to 5, strides to 3, both paddings, one output of a channel or several, with and without a bias.
pub(super) fn depthwise_examples() -> Vec<Depthwise> {
    use Padding::{Same, Valid};
    let one = |batch, input, size, stride, padding, multiplier, bias| Depthwise {
        batch,
        window: window(input, size, stride, padding),
        multiplier,
        bias,
    };
    vec![
        one(2, [8, 8, 16], [3, 3], [1, 1], Same, 1, true),
        one(3, [7, 9, 3], [3, 3], [1, 1], Valid, 2, false),
        one(2, [9, 10, 5], [3, 3], [2, 2], Same, 1, false),
        one(5, [7, 6, 70], [2, 2], [2, 2], Valid, 1, true),
        one(1, [11, 8, 2], [4, 5], [3, 2], Same, 3, true),
        one(2, [5, 13, 4], [1, 2], [2, 3], Same, 1, true),
        one(2, [3, 2, 6], [5, 5], [1, 1], Same, 17, true),
        one(7, [4, 4, 1], [1, 1], [3, 3], Valid, 1, false),
        // More rows than one direction of a dispatch holds.
        one(8193, [4, 1, 1], [3, 1], [1, 1], Same, 1, true),
    ]
}

impl Depthwise {
    /// Inputs, kernel and bias, and gradients of the outputs, whose products add up exactly.
    pub(super) fn draw(&self, number: usize) -> [Vec<u32>; 3] {
        let draw = &mut Draw::new(number);
        [self.inputs(), self.weights(), self.outputs()].map(|values| draw.eighths(values))
    }
}
