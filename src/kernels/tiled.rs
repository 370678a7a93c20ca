//! A product's kernel with its cut, which can be exchanged for another.

use std::any::Any;

use super::case::Draw;
use super::product::{Cut, Kind, PLACES_OF_A_WORD, Product};
use super::{
    Case, ConvForward, ConvInputGradient, ConvWeightGradient, Kernel, conv_forward, conv_input_gradient,
    conv_weight_gradient,
};

/// One of the three kernels that have a tile.
#[derive(Clone, Copy, Debug)]
pub enum Tiled {
    Forward(ConvForward),
    WeightGradient(ConvWeightGradient),
    InputGradient(ConvInputGradient),
}

impl Tiled {
    /// A plan's kernel, if it is one of the three.
    pub fn of(kernel: &(dyn Kernel + 'static)) -> Option<Self> {
        let kernel: &dyn Any = kernel;
        let forward = || kernel.downcast_ref().copied().map(Tiled::Forward);
        let weight_gradient = || kernel.downcast_ref().copied().map(Tiled::WeightGradient);
        let input_gradient = || kernel.downcast_ref().copied().map(Tiled::InputGradient);
        forward().or_else(weight_gradient).or_else(input_gradient)
    }

    pub fn product(&self) -> Product {
        let (kind, convolution) = match self {
            Tiled::Forward(kernel) => (Kind::Forward, kernel.convolution),
            Tiled::WeightGradient(kernel) => (Kind::WeightGradient, kernel.convolution),
            Tiled::InputGradient(kernel) => (Kind::InputGradient, kernel.convolution),
        };
        Product { kind, convolution }
    }

    pub fn cut(&self) -> Cut {
        match self {
            Tiled::Forward(kernel) => Cut { tile: kernel.tile, slots: kernel.slots },
            Tiled::WeightGradient(kernel) => Cut { tile: kernel.tile, slots: kernel.slots },
            Tiled::InputGradient(kernel) => Cut { tile: kernel.tile, slots: 1 },
        }
    }

    /// The same product, cut in another way.
    pub fn with(self, Cut { tile, slots }: Cut) -> Self {
        match self {
            Tiled::Forward(kernel) => Tiled::Forward(ConvForward { tile, slots, ..kernel }),
            Tiled::WeightGradient(kernel) => Tiled::WeightGradient(ConvWeightGradient { tile, slots, ..kernel }),
            Tiled::InputGradient(kernel) => Tiled::InputGradient(ConvInputGradient { tile, ..kernel }),
        }
    }

    /// The rule of [`Product::broken_rule`] that the kernel breaks, if any, or that a word of argmax has places for so many
    /// positions.
    pub fn broken_rule(&self) -> Option<&'static str> {
        let packed = match self {
            // Follows from the tile.
            Tiled::Forward(_) => 1,
            Tiled::WeightGradient(kernel) => kernel.packed,
            Tiled::InputGradient(kernel) => kernel.packed,
        };
        let Product { convolution, .. } = self.product();
        let packs = packed > 0 && (convolution.pool == 1 || packed <= PLACES_OF_A_WORD);
        let rule = self.product().broken_rule(&self.cut());
        rule.or_else(|| (!packs).then_some("a word of argmax has 8 places"))
    }

    pub fn kernel(&self) -> &(dyn Kernel + 'static) {
        match self {
            Tiled::Forward(kernel) => kernel,
            Tiled::WeightGradient(kernel) => kernel,
            Tiled::InputGradient(kernel) => kernel,
        }
    }

    /// The product at its full size on multiples of 1/8, whose sums are exact in any order. The cut decides the lengths of
    /// buffers that are written, and no buffer's contents.
    pub fn case(&self) -> Case {
        let (label, draw) = (format!("{}: {}", self.product(), self.cut()), &mut Draw::new(0));
        match self {
            Tiled::Forward(kernel) => conv_forward::case_of(label, *kernel, draw),
            Tiled::WeightGradient(kernel) => conv_weight_gradient::case_of(label, *kernel, draw),
            Tiled::InputGradient(kernel) => conv_input_gradient::case_of(label, *kernel, draw),
        }
    }
}
