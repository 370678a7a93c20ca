//! What follows a product, backward: host side and CPU reference of `shaders/pointwise_backward.wgsl`.

use rayon::prelude::*;

use super::activation::{Function, Given};
use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::channels::{ChannelValues, shapes, task, width};
use super::pointwise::{Other, options, rows, shared_out};
use super::relu_mask::{self, ReluMask};
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, read, read_activation, read_words,
    write_activation,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "pointwise_backward",
    about: "gradients of what an activation, a normalisation and an addition were given",
    wgsl: shader!("pointwise_backward", "activation", "channels", "positions", "progress", "relu_mask"),
    bindings: &[
        read_activation("output_gradient"),
        read_activation("x"),
        read("affine"),
        read_activation("other"),
        read("totals"),
        read_words("progress"),
        write_activation("input_gradient"),
        write_activation("other_gradient"),
    ],
    cases,
};

/// The gradients of x and of the other value of a [`Pointwise`](super::Pointwise), `[positions, channels]`. With g,
/// what the activation hands back of the output's gradient, the input's is scale (g - total of g / n - xhat * total of
/// g xhat / n) of a normalised x, n positions being those that count, and zero where a row does not; else it is g.
#[derive(Clone, Copy, Debug)]
pub struct PointwiseBackward {
    pub values: ChannelValues,
    pub normalise: bool,
    /// Where the other value was added.
    pub other: Option<Other>,
    pub function: Function,
    /// Of x.
    pub relu_mask: ReluMask,
    /// Whether the other value's gradient is made, too, and that value's mask.
    pub other_gradient: Option<ReluMask>,
}

/// What a pass reads of the bindings that it need not read.
impl PointwiseBackward {
    fn activates(&self) -> bool {
        self.function != Function::Linear
    }

    fn adds_before(&self) -> bool {
        self.activates() && self.other == Some(Other::Before)
    }

    /// The mask of the other value, if its gradient has one to go through.
    fn other_mask(&self) -> ReluMask {
        self.other_gradient.flatten()
    }

    fn reads_x(&self) -> bool {
        self.normalise || self.activates() || self.relu_mask.is_some()
    }

    fn reads_other(&self) -> bool {
        self.adds_before() || self.other_mask().is_some()
    }

    /// The values as threads share them out.
    fn shape(&self) -> ChannelValues {
        if self.normalise { self.values } else { self.values.alike() }
    }
}

/// Of each channel, again and again.
struct Wide<'a> {
    scales: &'a [f32],
    shifts: &'a [f32],
    /// The gradient of x is scale * g - offset - tilt * x.
    offsets: &'a [f32],
    tilts: &'a [f32],
}

/// What all tasks of the CPU path read.
struct Inputs<'a> {
    output_gradient: &'a [f32],
    x: &'a [f32],
    other: &'a [f32],
    wide: Option<Wide<'a>>,
    /// Values that count.
    real: usize,
}

impl PointwiseBackward {
    /// Some values' gradients, from `first` on, and their other gradients where there are any.
    fn gradients<'a>(&self, inputs: &Inputs<'a>, first: usize, input_gradient: &mut [f32], other_gradient: &mut [f32]) {
        let values = first..first + input_gradient.len();
        let of = |whole: &'a [f32]| &whole[values.clone()];
        input_gradient.copy_from_slice(of(inputs.output_gradient));
        if self.activates() {
            let affine = inputs.wide.as_ref().map(|wide| [wide.scales, wide.shifts]);
            let before = self.adds_before().then(|| of(inputs.other));
            self.function.descend(Given { x: of(inputs.x), affine, before }, input_gradient);
        }
        if let Some(mask) = self.other_gradient {
            let after = self.other == Some(Other::After);
            other_gradient.copy_from_slice(if after { of(inputs.output_gradient) } else { input_gradient });
            relu_mask::apply(mask, inputs.other, first, other_gradient);
        }
        if let Some(wide) = &inputs.wide {
            normalised(wide, of(inputs.x), input_gradient);
        }
        relu_mask::apply(self.relu_mask, inputs.x, first, input_gradient);
        let real = inputs.real.saturating_sub(first);
        for gradient in [input_gradient, other_gradient] {
            gradient.iter_mut().skip(real).for_each(|gradient| *gradient = 0.0);
        }
    }
}

/// Takes a gradient of what was normalised back to x.
fn normalised(wide: &Wide, x: &[f32], gradient: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            let of_channels = wide.scales.iter().zip(wide.offsets).zip(wide.tilts);
            for ((gradient, x), ((scale, offset), tilt)) in gradient.iter_mut().zip(x).zip(of_channels) {
                *gradient = scale * *gradient - offset - tilt * x;
            }
        },
    );
}

impl Kernel for PointwiseBackward {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let own = vec![
            ("NORMALISE", self.normalise.into()),
            ("BEFORE", self.adds_before().into()),
            ("AFTER", (self.other == Some(Other::After)).into()),
            ("WITH_OTHER", self.other_gradient.is_some().into()),
            ("OTHER_MASK", self.other_mask().is_some().into()),
            ("OTHER_SCALE", self.other_mask().unwrap_or(1.0).into()),
        ];
        let shape = self.shape();
        let shared = [shared_out(shape.positions(), shape.channels).0, shape.position_constants()].concat();
        [shared, self.function.constants(), relu_mask::constants(self.relu_mask), own].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let shape = self.shape();
        shared_out(shape.positions(), shape.channels).1
    }

    fn operations(&self) -> usize {
        let normalise = if self.normalise { 5 } else { 0 };
        let activation = if self.activates() { 1 + self.function.operations() } else { 0 };
        self.values.values() * (normalise + activation + usize::from(self.adds_before()))
    }

    fn words(&self) -> Vec<usize> {
        let (values, channels) = (self.values.values(), self.values.channels);
        let only = |needed: bool, words| if needed { words } else { 1 };
        vec![
            values,
            only(self.reads_x(), values),
            only(self.normalise, 4 * channels),
            only(self.reads_other(), values),
            only(self.normalise, 2 * channels),
            Progress::WORDS,
            values,
            only(self.other_gradient.is_some(), values),
        ]
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        let needed = match binding {
            "x" => self.reads_x(),
            "other" => self.reads_other(),
            "affine" | "totals" | "progress" => self.normalise,
            "other_gradient" => self.other_gradient.is_some(),
            _ => true,
        };
        if needed { words } else { 0 }
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [output_gradient, x, affine, other, totals, progress, input_gradient, other_gradient] = memory else {
            unreachable!("{BINDINGS}")
        };
        let shape = self.shape();
        let (width, task, all) = (width(shape.channels), task(width(shape.channels)), shape.values());
        let real = shape.real_positions(Progress::read(progress));
        let mut scratch = Scratch::new(4 * width);
        let wide =
            self.normalise.then(|| wide(floats_mut(&mut scratch), rows(affine, shape.channels), floats(totals), real));
        let real = if self.normalise { real * shape.channels } else { all };
        let inputs =
            Inputs { output_gradient: floats(output_gradient), x: floats(x), other: floats(other), wide, real };
        let gradients = floats_mut(input_gradient)[..all].par_chunks_mut(task).enumerate();
        match self.other_gradient {
            None => gradients.for_each(|(number, gradient)| {
                for (part, gradient) in gradient.chunks_mut(width).enumerate() {
                    self.gradients(&inputs, number * task + part * width, gradient, &mut []);
                }
            }),
            Some(_) => gradients.zip(floats_mut(other_gradient)[..all].par_chunks_mut(task)).for_each(
                |((number, gradient), other)| {
                    let parts = gradient.chunks_mut(width).zip(other.chunks_mut(width));
                    for (part, (gradient, other)) in parts.enumerate() {
                        self.gradients(&inputs, number * task + part * width, gradient, other);
                    }
                },
            ),
        }
    }
}

/// What the values of each channel have in common, `real` positions being those that count.
fn wide<'a>(scratch: &'a mut [f32], affine: [&[f32]; 4], totals: &[f32], real: usize) -> Wide<'a> {
    let [means, inverses, scales, shifts] = affine;
    let channels = means.len();
    let real = real as f32;
    let (gammas, betas) = totals.split_at(channels);
    let width = scratch.len() / 4;
    for at in 0..width {
        let channel = at % channels;
        let tilt = scales[channel] * inverses[channel] * gammas[channel] / real;
        scratch[at] = scales[channel];
        scratch[width + at] = shifts[channel];
        scratch[2 * width + at] = scales[channel] * betas[channel] / real - tilt * means[channel];
        scratch[3 * width + at] = tilt;
    }
    let [scales, shifts, offsets, tilts] = [0, 1, 2, 3].map(|row| &scratch[row * width..][..width]);
    Wide { scales, shifts, offsets, tilts }
}

/// Kernels of all kinds: each function with and without normalisation, each way of the other value, masks of both.
fn kernels() -> impl Iterator<Item = (String, PointwiseBackward, Vec<u32>)> {
    let shapes: Vec<_> = shapes().collect();
    options().enumerate().map(move |(number, (normalise, other, function))| {
        let (label, values, progress) = shapes[number % shapes.len()].clone();
        let masks = [None, Some(1.0), Some(2.0)];
        let other_gradient = other.filter(|_| number % 4 != 3).map(|_| masks[number / 3 % 3]);
        // A mask of x hides the slope at 0 where that is what the activation is given.
        let relu_mask = masks[number % 3].filter(|_| normalise || function == Function::Linear);
        let kernel = PointwiseBackward { values, normalise, other, function, relu_mask, other_gradient };
        (format!("{label}, {kernel:?}"), kernel, progress)
    })
}

fn cases() -> Vec<Case> {
    let make = |(number, (label, kernel, progress)): (usize, (String, PointwiseBackward, Vec<u32>))| {
        let draw = &mut Draw::new(number);
        let words = kernel.words();
        let [output_gradient, x, affine, other] = [0, 1, 2, 3].map(|binding| draw.eighths(words[binding]));
        // Totals as large as their sums: a part of them is taken from each gradient.
        let real = (words[0] / kernel.values.channels) as f32;
        let totals = draw.numbers(words[4], real);
        let of_other = if kernel.other_gradient.is_some() { unwritten(words[7]) } else { vec![0] };
        let memory = vec![output_gradient, x, affine, other, totals, progress, unwritten(words[6]), of_other];
        let written = match kernel.normalise {
            true => Tolerance { relative: 2e-6, absolute: 2e-6 },
            false => kernel.function.tolerance(),
        };
        let tolerances = [&[Tolerance::EXACT; 6][..], &[written, kernel.function.tolerance()]].concat();
        Case { tolerances, ..case(label, kernel, memory) }
    };
    kernels().enumerate().map(make).collect()
}
