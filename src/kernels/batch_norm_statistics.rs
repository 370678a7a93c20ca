//! Sums of batch normalisation: host side and CPU reference of `shaders/batch_norm_statistics.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::channels::{ChannelValues, fold, shapes, widen, width};
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, read_activation, read_words, write,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "batch_norm_statistics",
    about: "adds up each channel and its squared distances from the mean, in partitions",
    wgsl: shader!("batch_norm_statistics", "channels", "partitions", "positions", "progress"),
    bindings: &[read_activation("x"), read_words("progress"), write("partials")],
    cases,
};

/// partials `[partitions, 2, channels]` of x `[positions, channels]`: of each partition of the positions that count,
/// the sum, and the sum of squared distances from the partition's own mean.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormStatistics {
    pub values: ChannelValues,
}

impl Kernel for BatchNormStatistics {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        self.values.sum_constants()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.values.sum_workgroups()
    }

    /// A sum, a difference, its square and their sum.
    fn operations(&self) -> usize {
        4 * self.values.values()
    }

    fn words(&self) -> Vec<usize> {
        vec![self.values.values(), Progress::WORDS, self.values.partials()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [x, progress, partials] = memory else { unreachable!("{BINDINGS}") };
        let channels = self.values.channels;
        let (x, real) = (floats(x), self.values.real_positions(Progress::read(progress)));
        let partials = floats_mut(partials)[..self.values.partials()].par_chunks_exact_mut(2 * channels);
        partials.enumerate().for_each(|(partition, partials)| {
            let (sums, squares) = partials.split_at_mut(channels);
            statistics(&x[self.values.of_partition(partition, real)], sums, squares);
        });
    }
}

/// Of one partition's values: each channel's sum and squared distances from its mean.
fn statistics(values: &[f32], sums: &mut [f32], squares: &mut [f32]) {
    let width = width(sums.len());
    let mut scratch = Scratch::new(2 * width);
    let (wide, means) = floats_mut(&mut scratch).split_at_mut(width);
    let count = (values.len() / sums.len()).max(1) as f32;
    vectorised(
        #[inline(always)]
        || {
            wide.fill(0.0);
            for values in values.chunks(width) {
                wide.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            fold(wide, sums);
            widen(sums, means);
            means.iter_mut().for_each(|mean| *mean /= count);
            wide.fill(0.0);
            for values in values.chunks(width) {
                for ((sum, value), mean) in wide.iter_mut().zip(values).zip(&*means) {
                    *sum += (value - mean) * (value - mean);
                }
            }
            fold(wide, squares);
        },
    );
}

fn cases() -> Vec<Case> {
    let make = |(number, (label, values, progress)): (usize, (String, ChannelValues, Vec<u32>))| {
        let draw = &mut Draw::new(number);
        // A mean that is far from 0 shows what squares lose.
        let offset = [0.0, 10.0, -100.0][number % 3];
        let x = draw.eighths(values.values()).into_iter().map(|word| (f32::from_bits(word) + offset).to_bits());
        let memory = vec![x.collect(), progress, unwritten(values.partials())];
        // Sums are exact. Squares of so few numbers are rounded the same way again and again.
        let written = Tolerance { relative: 2e-5, absolute: 0.0 };
        Case {
            tolerances: [&[Tolerance::EXACT; 2][..], &[written]].concat(),
            ..case(label, BatchNormStatistics { values }, memory)
        }
    };
    shapes().enumerate().map(make).collect()
}
