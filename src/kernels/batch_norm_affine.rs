//! What batch normalisation does to each channel: host side and CPU reference of `shaders/batch_norm_affine.wgsl`.

use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::channels::{ChannelValues, both_ways, shapes};
use super::{BINDINGS, Constants, Descriptor, Kernel, Progress, floats, floats_mut, read, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "batch_norm_affine",
    about: "mean, deviation, scale and shift of each channel, of the micro-batch or of moving averages",
    wgsl: shader!("batch_norm_affine", "channels", "partitions", "positions", "progress", "read_ahead", "partials"),
    bindings: &[read("partials"), read_words("progress"), read("variables"), write("affine"), write("moments")],
    cases,
};

/// affine `[4, channels]`: mean, 1 / sqrt(variance + epsilon), gamma times that, and beta - mean * that product.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormAffine {
    pub values: ChannelValues,
    /// Whether mean and variance are the micro-batch's, of the partitions of
    /// [`BatchNormStatistics`](super::BatchNormStatistics), and go to moments `[2, channels]`; else they are the moving
    /// ones.
    pub training: bool,
    /// Whether the variables `[.., channels]` begin with gamma; else it is 1.
    pub scale: bool,
    /// Whether beta is ahead of the moving mean and variance; else it is 0.
    pub center: bool,
    pub epsilon: f64,
    /// See [`DeviceProfile::read_ahead`](crate::gemm::DeviceProfile::read_ahead): it changes no sum.
    pub read_ahead: bool,
}

impl BatchNormAffine {
    /// Rows of `channels` among the variables: of beta, if there is one, and of the moving mean.
    fn rows(&self) -> [usize; 2] {
        [self.scale.into(), usize::from(self.scale) + usize::from(self.center)]
    }

    /// Mean and biased variance of each channel, of the positions that count: the partitions' squared distances, and
    /// what their means' own add.
    fn moments(&self, partials: &[f32], real: usize, moments: &mut [f32]) {
        let (channels, positions) = (self.values.channels, self.values.partition());
        let (means, variances) = moments.split_at_mut(channels);
        means.fill(0.0);
        variances.fill(0.0);
        let all = real.max(1) as f32;
        let partitions = || partials.chunks_exact(2 * channels).take(real.div_ceil(positions)).enumerate();
        for (_, partial) in partitions() {
            means.iter_mut().zip(partial).for_each(|(sum, value)| *sum += value);
        }
        means.iter_mut().for_each(|mean| *mean /= all);
        for (partition, partial) in partitions() {
            let count = (real - partition * positions).min(positions) as f32;
            let (sums, squares) = partial.split_at(channels);
            for (((variance, mean), sum), square) in variances.iter_mut().zip(&*means).zip(sums).zip(squares) {
                let distance = sum / count - mean;
                *variance += square + count * distance * distance;
            }
        }
        variances.iter_mut().for_each(|variance| *variance /= all);
    }
}

impl Kernel for BatchNormAffine {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let own = vec![
            ("TRAINING", self.training.into()),
            ("HAS_GAMMA", self.scale.into()),
            ("HAS_BETA", self.center.into()),
            ("EPSILON", (self.epsilon as f32).into()),
            ("READ_AHEAD", self.read_ahead.into()),
        ];
        [self.values.partition_constants(), self.values.position_constants(), own].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, self.values.tiles()]
    }

    /// A partition's sum, and its distance from the mean, its square and its weight; a root, two divisions and two
    /// products of each channel.
    fn operations(&self) -> usize {
        6 * self.values.channels + if self.training { 3 * self.values.partials() } else { 0 }
    }

    fn words(&self) -> Vec<usize> {
        let ChannelValues { channels, .. } = self.values;
        let training = |words| if self.training { words } else { 1 };
        let variables = (self.rows()[1] + 2) * channels;
        vec![training(self.values.partials()), Progress::WORDS, variables, 4 * channels, training(2 * channels)]
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "partials" | "moments" if !self.training => 0,
            // Not the moving ones.
            "variables" if self.training => self.rows()[1] * self.values.channels,
            _ => words,
        }
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [partials, progress, variables, affine, moments] = memory else { unreachable!("{BINDINGS}") };
        let channels = self.values.channels;
        let [beta, moving] = self.rows().map(|row| row * channels);
        let variables = floats(variables);
        let moments = if self.training {
            let moments = &mut floats_mut(moments)[..2 * channels];
            self.moments(floats(partials), self.values.real_positions(Progress::read(progress)), moments);
            &*moments
        } else {
            &variables[moving..]
        };
        let affine = floats_mut(affine);
        for channel in 0..channels {
            let (mean, variance) = (moments[channel], moments[channels + channel]);
            let inverse = 1.0 / (variance + self.epsilon as f32).sqrt();
            let scale = if self.scale { variables[channel] * inverse } else { inverse };
            let shift = if self.center { variables[beta + channel] } else { 0.0 } - mean * scale;
            for (row, value) in [mean, inverse, scale, shift].into_iter().enumerate() {
                affine[row * channels + channel] = value;
            }
        }
    }
}

fn cases() -> Vec<Case> {
    let make = |number: usize, (label, values, progress): (String, ChannelValues, Vec<u32>), read_ahead| {
        let draw = &mut Draw::new(number);
        let kernel = BatchNormAffine {
            values,
            training: number % 4 != 3,
            scale: number.is_multiple_of(2),
            center: number % 3 != 1,
            epsilon: [1e-3, 1e-5][number % 2],
            read_ahead,
        };
        let [partials, _, variables, affine, moments] = kernel.words()[..] else { unreachable!("{BINDINGS}") };
        let positive = |word: u32| (f32::from_bits(word).abs() + 0.125).to_bits();
        // No variance is negative, nor is what it is made of.
        let squares = |(at, word): (usize, u32)| if at / values.channels % 2 == 1 { positive(word) } else { word };
        let variances =
            |(at, word): (usize, u32)| if at + values.channels >= variables { positive(word) } else { word };
        let memory = vec![
            draw.eighths(partials).into_iter().enumerate().map(squares).collect(),
            progress,
            draw.numbers(variables, 2.0).into_iter().enumerate().map(variances).collect(),
            unwritten(affine),
            if kernel.training { unwritten(moments) } else { vec![0] },
        ];
        let written = [Tolerance { relative: 2e-6, absolute: 2e-6 }; 2];
        let tolerances = [&[Tolerance::EXACT; 3][..], &written].concat();
        let label = format!(
            "{label}, training {}, gamma {}, beta {}, epsilon {}",
            kernel.training, kernel.scale, kernel.center, kernel.epsilon
        );
        Case { tolerances, ..case(label, kernel, memory) }
    };
    both_ways(shapes(), make)
}
