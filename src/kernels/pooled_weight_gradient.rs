//! Gradient of kernel and bias where a max-pool follows: host side and CPU reference of
//! `shaders/pooled_weight_gradient.wgsl`.

use super::case::{Case, Draw, case, unwritten};
use super::convolution_cases::{describe, winners};
use super::updates::Partitions;
use super::{BINDINGS, Constants, ConvWeightGradient, Descriptor, Kernel, read_activation, read_words, write};
use crate::gemm::examples::{convolutions, pooled};
use crate::gemm::{ArgmaxWord, Convolution, DeviceClass, GatherLayout, GemmConfig, GemmKind, GemmProblem, OnChip};
use crate::geometry::Padding;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "pooled_weight_gradient",
    about: "gradient of a convolution's kernel and bias, of the largest elements of a max-pool's windows alone",
    wgsl: shader!("pooled_weight_gradient", "convolution", "argmax", "patches"),
    bindings: &[
        read_activation("input"),
        read_activation("output_gradient"),
        read_words("argmax"),
        write("weight_gradient"),
    ],
    cases,
};

/// What [`ConvWeightGradient`] makes of a convolution with a pool: weight gradient `[partitions, depth + 1, filters]`, or
/// without the last row where there is no bias.
#[derive(Clone, Copy, Debug)]
pub struct PooledWeightGradient {
    pub convolution: Convolution,
    pub bias: bool,
    /// As [`super::ConvForward::word`].
    pub word: ArgmaxWord,
    pub partitions: usize,
}

impl PooledWeightGradient {
    /// See [`ConvWeightGradient::partitions`].
    pub fn partitions(&self) -> Vec<Partitions> {
        self.product().partitions()
    }

    /// The rule that the kernel breaks, if any.
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        let Self { convolution, word, partitions, .. } = self;
        let rule = convolution.broken_rule();
        let rules = [
            (rule.is_some() || GatherLayout::of(convolution).is_some(), "no workgroup gathers its windows"),
            (
                rule.is_some() || (1..=convolution.positions()).contains(partitions),
                "its sum has not so many partitions",
            ),
            (word.fits(), ArgmaxWord::RULE),
        ];
        rule.or_else(|| rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule))
    }

    /// The same as a product of matrices.
    fn product(&self) -> ConvWeightGradient {
        let Self { convolution, bias, word, partitions } = *self;
        let config = GemmConfig { partitions, ..DeviceClass::Cpu.config(GemmKind::WeightGradient, &convolution) };
        ConvWeightGradient { convolution, bias, word, config }
    }

    /// The kernel at its full size on multiples of 1/8, whose sums are exact in any order.
    pub fn case(&self) -> Case {
        let problem = GemmProblem::new(GemmKind::WeightGradient, &self.convolution);
        case_of(format!("{problem}, {} partitions", self.partitions), *self, &mut Draw::new(0))
    }

    fn layout(&self) -> GatherLayout {
        GatherLayout::of(&self.convolution).expect("plans have the kernel where there is a layout for it")
    }
}

impl Kernel for PooledWeightGradient {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let layout = self.layout();
        let options = vec![
            ("BIAS", self.bias.into()),
            ("PARTITION_POSITIONS", self.convolution.positions().div_ceil(self.partitions).into()),
            ("CHANNEL_LANES", layout.channel_lanes.into()),
            ("FILTER_LANES", layout.filter_lanes.into()),
            ("POSITION_LANES", layout.position_lanes.into()),
            ("THREAD_FILTERS", layout.thread_filters.into()),
            ("POSITION_TILE", layout.position_tile.into()),
        ];
        [self.convolution.constants(), self.word.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [channels, filters] = self.layout().workgroups(&self.convolution);
        [channels, filters, self.partitions]
    }

    fn operations(&self) -> usize {
        self.product().operations()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        self.product().traffic(binding, words)
    }

    fn words(&self) -> Vec<usize> {
        self.product().words()
    }

    fn on_chip(&self) -> Option<OnChip> {
        Some(self.layout().on_chip(&self.convolution, self.partitions))
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        assert_eq!(memory.len(), DESCRIPTOR.bindings.len(), "{BINDINGS}");
        self.product().reference(memory);
    }
}

/// The kernel on numbers whose sums are exact.
fn case_of(label: String, kernel: PooledWeightGradient, draw: &mut Draw) -> Case {
    let PooledWeightGradient { convolution, word, .. } = &kernel;
    let memory = vec![
        draw.eighths(convolution.inputs()),
        draw.eighths(convolution.positions() * convolution.filters),
        winners(convolution, *word, draw),
        unwritten(kernel.words()[3]),
    ];
    case(label, kernel, memory)
}

/// Geometries with a pool: the examples', many channels in one block and in several, fewer and more filters than a
/// workgroup has, a large kernel, and no bias.
fn cases() -> Vec<Case> {
    let more = [
        pooled(40, [12, 12, 1], [3, 3], [1, 1], Padding::Valid, 32),
        pooled(3, [8, 8, 24], [3, 3], [1, 1], Padding::Same, 20),
        pooled(5, [6, 8, 40], [3, 3], [1, 1], Padding::Same, 65),
        pooled(2, [9, 9, 3], [5, 5], [1, 1], Padding::Same, 33),
        pooled(2, [9, 9, 17], [5, 5], [1, 1], Padding::Same, 7),
    ];
    let make = |(number, convolution): (usize, Convolution)| {
        let draw = &mut Draw::new(number);
        let word = ArgmaxWord { positions: 1 + number % 3, filters: 1 + number % 2 };
        let (partitions, bias) = (1 + number % 4, number % 3 != 1);
        let kernel = PooledWeightGradient { convolution, bias, word, partitions };
        let label = format!("{} partitions {partitions}", describe(&convolution, DeviceClass::Gpu));
        case_of(label, kernel, draw)
    };
    let pooled = convolutions().into_iter().filter(|convolution| convolution.pool == 2);
    pooled.chain(more).enumerate().map(make).collect()
}
