//! Gradient of a convolution's input where a max-pool follows: host side and CPU reference of
//! `shaders/pooled_input_gradient.wgsl`.

use super::case::{Case, Draw, case};
use super::convolution_cases::{describe, unreached, winners};
use super::relu_mask::{self, ReluMask};
use super::{
    BINDINGS, Constants, ConvInputGradient, Descriptor, Kernel, read_activation, read_weights, read_words,
    write_activation,
};
use crate::gemm::examples::{convolutions, pooled};
use crate::gemm::{ArgmaxWord, Convolution, DeviceClass, GemmKind, GemmProblem, OnChip, SpreadLayout};
use crate::geometry::Padding;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "pooled_input_gradient",
    about: "gradient of a convolution's input, of the largest elements of a max-pool's windows alone",
    wgsl: shader!("pooled_input_gradient", "convolution", "argmax", "relu_mask"),
    bindings: &[
        read_activation("output_gradient"),
        read_words("argmax"),
        read_weights("weights"),
        read_activation("input"),
        write_activation("input_gradient"),
    ],
    cases,
};

/// What [`ConvInputGradient`] makes of a convolution with a pool: input gradient `[batch, H, W, C]`.
#[derive(Clone, Copy, Debug)]
pub struct PooledInputGradient {
    pub convolution: Convolution,
    /// As [`super::ConvForward::word`].
    pub word: ArgmaxWord,
    /// Of the input.
    pub relu_mask: ReluMask,
}

impl PooledInputGradient {
    /// The rule that the kernel breaks, if any.
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        let Self { convolution, word, .. } = self;
        if let Some(rule) = convolution.broken_rule() {
            return Some(rule);
        }
        if SpreadLayout::of(convolution).is_none() {
            return Some("no workgroup has its rows");
        }
        (!word.fits()).then_some(ArgmaxWord::RULE)
    }

    /// The same as a product of matrices.
    fn product(&self) -> ConvInputGradient {
        let Self { convolution, word, relu_mask } = *self;
        let config = DeviceClass::Cpu.config(GemmKind::InputGradient, &convolution);
        ConvInputGradient { convolution, word, relu_mask, config }
    }

    /// The kernel at its full size on multiples of 1/8, whose sums are exact in any order.
    pub fn case(&self) -> Case {
        let problem = GemmProblem::new(GemmKind::InputGradient, &self.convolution);
        case_of(problem.to_string(), *self, &mut Draw::new(0))
    }

    fn layout(&self) -> SpreadLayout {
        SpreadLayout::of(&self.convolution).expect("plans have the kernel where there is a layout for it")
    }
}

impl Kernel for PooledInputGradient {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let SpreadLayout { channel_lanes, images, filter_tile } = self.layout();
        let options = vec![
            ("CHANNEL_LANES", channel_lanes.into()),
            ("IMAGES", images.into()),
            ("FILTER_TILE", filter_tile.into()),
        ];
        [self.convolution.constants(), relu_mask::constants(self.relu_mask), self.word.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [images, channels] = self.layout().workgroups(&self.convolution);
        [images, channels, 1]
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
        Some(self.layout().on_chip(&self.convolution))
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        assert_eq!(memory.len(), DESCRIPTOR.bindings.len(), "{BINDINGS}");
        self.product().reference(memory);
    }
}

/// The kernel on numbers whose sums are exact.
fn case_of(label: String, kernel: PooledInputGradient, draw: &mut Draw) -> Case {
    let PooledInputGradient { convolution, word, .. } = &kernel;
    let memory = vec![
        draw.eighths(convolution.positions() * convolution.filters),
        winners(convolution, *word, draw),
        draw.eighths(kernel.words()[2]),
        draw.eighths(convolution.inputs()),
        unreached(convolution),
    ];
    case(label, kernel, memory)
}

/// Geometries with a pool: the examples' that there is a layout for, channels in one block and in several, filters beyond
/// a tile, rows that overlap more than two of their neighbours, and more images than a workgroup has, one of them alone.
fn cases() -> Vec<Case> {
    let more = [
        pooled(3, [14, 14, 8], [3, 3], [1, 1], Padding::Same, 20),
        pooled(11, [7, 7, 40], [3, 3], [1, 1], Padding::Same, 17),
        pooled(3, [7, 8, 33], [3, 3], [1, 1], Padding::Valid, 8),
        pooled(5, [13, 13, 5], [3, 3], [2, 2], Padding::Same, 9),
        pooled(2, [8, 6, 3], [5, 5], [1, 1], Padding::Same, 6),
    ];
    let make = |(number, convolution): (usize, Convolution)| {
        let draw = &mut Draw::new(number);
        let word = ArgmaxWord { positions: 1 + number % 3, filters: 1 + number % 2 };
        let relu_mask = [None, Some(1.0), Some(2.0)][number % 3];
        let kernel = PooledInputGradient { convolution, word, relu_mask };
        let label = format!("{} mask {relu_mask:?}", describe(&convolution, DeviceClass::Gpu));
        case_of(label, kernel, draw)
    };
    let examples = convolutions().into_iter().filter(|convolution| SpreadLayout::of(convolution).is_some());
    examples.chain(more).enumerate().map(make).collect()
}
