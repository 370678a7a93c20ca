//! Gradients of gamma and beta in partitions: host side and CPU reference of `shaders/batch_norm_gradient_sums.wgsl`.

use rayon::prelude::*;

use super::activation::{EXAMPLES, Function, Given};
use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::channels::{ChannelValues, fold, shapes, widen, width};
use super::pointwise::rows;
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, read, read_activation, read_words, write,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "batch_norm_gradient_sums",
    about: "adds up the gradients of each channel's scale and offset, in partitions",
    wgsl: shader!("batch_norm_gradient_sums", "activation", "channels", "partitions", "positions", "progress"),
    bindings: &[
        read_activation("output_gradient"),
        read_activation("x"),
        read("affine"),
        read_activation("other"),
        read_words("progress"),
        write("partials"),
    ],
    cases,
};

/// partials `[partitions, 2, channels]`: of each partition of the positions that count, the sums of g xhat and of g,
/// where g is output_gradient `[positions, channels]` times the activation's slope, and xhat = (x - mean) /
/// sqrt(variance + epsilon).
#[derive(Clone, Copy, Debug)]
pub struct BatchNormGradientSums {
    pub values: ChannelValues,
    /// Whether the other value was added ahead of the activation.
    pub before: bool,
    pub function: Function,
}

impl BatchNormGradientSums {
    fn activates(&self) -> bool {
        self.function != Function::Linear
    }

    /// Without an activation nothing depends on the other value.
    fn reads_other(&self) -> bool {
        self.before && self.activates()
    }
}

/// What one task of the CPU path adds up: of one partition.
struct Partition<'a> {
    output_gradient: &'a [f32],
    x: &'a [f32],
    other: Option<&'a [f32]>,
}

impl BatchNormGradientSums {
    fn sums(&self, partition: &Partition, affine: [&[f32]; 4], sums: &mut [f32]) {
        let channels = self.values.channels;
        let width = width(channels);
        let mut scratch = Scratch::new(6 * width);
        let (wide, scratch) = floats_mut(&mut scratch).split_at_mut(3 * width);
        let [mean, inverse, scale, shift] = affine;
        for (wide, row) in wide.chunks_exact_mut(width).zip([mean, scale, shift]) {
            widen(row, wide);
        }
        let [means, scales, shifts] = [0, 1, 2].map(|row| &wide[row * width..][..width]);
        let (of_gamma, scratch) = scratch.split_at_mut(width);
        let (of_beta, gradients) = scratch.split_at_mut(width);
        of_gamma.fill(0.0);
        of_beta.fill(0.0);
        let parts = partition.output_gradient.chunks(width).zip(partition.x.chunks(width)).enumerate();
        for (part, (output_gradient, x)) in parts {
            let mut g = output_gradient;
            if self.activates() {
                let gradients = &mut gradients[..x.len()];
                let before = partition.other.map(|other| &other[part * width..][..x.len()]);
                gradients.copy_from_slice(output_gradient);
                self.function.descend(Given { x, affine: Some([scales, shifts]), before }, gradients);
                g = gradients;
            }
            vectorised(
                #[inline(always)]
                || {
                    let sums = of_gamma.iter_mut().zip(&mut *of_beta);
                    for (((of_gamma, of_beta), g), (x, mean)) in sums.zip(g).zip(x.iter().zip(means)) {
                        *of_gamma += g * (x - mean);
                        *of_beta += g;
                    }
                },
            );
        }
        let (gamma, beta) = sums.split_at_mut(channels);
        fold(of_gamma, gamma);
        fold(of_beta, beta);
        gamma.iter_mut().zip(inverse).for_each(|(sum, inverse)| *sum *= inverse);
    }
}

impl Kernel for BatchNormGradientSums {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let own = vec![("BEFORE", self.reads_other().into())];
        [self.values.sum_constants(), self.function.constants(), own].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.values.sum_workgroups()
    }

    fn operations(&self) -> usize {
        let activation = if self.activates() { 3 + self.function.operations() } else { 0 };
        self.values.values() * (4 + activation + usize::from(self.reads_other()))
    }

    fn words(&self) -> Vec<usize> {
        let values = self.values.values();
        let other = if self.reads_other() { values } else { 1 };
        vec![values, values, 4 * self.values.channels, other, Progress::WORDS, self.values.partials()]
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "other" if !self.reads_other() => 0,
            _ => words,
        }
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [output_gradient, x, affine, other, progress, partials] = memory else { unreachable!("{BINDINGS}") };
        let (output_gradient, x, other) = (floats(output_gradient), floats(x), floats(other));
        let channels = self.values.channels;
        let real = self.values.real_positions(Progress::read(progress));
        let affine = rows(affine, channels);
        let partials = floats_mut(partials)[..self.values.partials()].par_chunks_exact_mut(2 * channels);
        partials.enumerate().for_each(|(partition, sums)| {
            let values = self.values.of_partition(partition, real);
            let partition = Partition {
                output_gradient: &output_gradient[values.clone()],
                x: &x[values.clone()],
                other: self.reads_other().then(|| &other[values]),
            };
            self.sums(&partition, affine, sums);
        });
    }
}

fn cases() -> Vec<Case> {
    let kernels = EXAMPLES.into_iter().enumerate().map(|(number, function)| (number % 2 == 1, function));
    let all = shapes().zip(kernels).chain(shapes().skip(4).map(|shape| (shape, (true, Function::Relu))));
    let make = |(number, ((label, values, progress), (before, function))): (usize, (_, (bool, Function)))| {
        let draw = &mut Draw::new(number);
        let kernel = BatchNormGradientSums { values, before, function };
        let mut memory: Vec<Vec<u32>> = kernel.words()[..4].iter().map(|&words| draw.eighths(words)).collect();
        memory.extend([progress, unwritten(values.partials())]);
        let tolerance = function.tolerance();
        // As many as are added up.
        let most = values.partition().min(values.positions()) as f32;
        let written = Tolerance { absolute: tolerance.absolute * most, ..tolerance };
        let label = format!("{label}, {function:?}, before {before}");
        Case { tolerances: [&[Tolerance::EXACT; 5][..], &[written]].concat(), ..case(label, kernel, memory) }
    };
    all.enumerate().map(make).collect()
}
