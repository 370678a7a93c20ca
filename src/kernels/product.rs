//! A product as a plan has it: its kernel, and in how many bits the numbers of its buffers are.

use std::sync::Arc;

use super::kernel::{Case, Kernel};
use super::{GemmKernel, SplitKReduce, Stored};
use crate::gemm::{Capabilities, GemmConfig, GemmProblem, Variant};
use crate::precision::Precision;

/// A product's kernel over buffers of which some may be in 16 bits.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    pub gemm: GemmKernel,
    /// Of the run.
    pub precision: Precision,
    /// Whether the buffer of each binding is in 16 bits; of the output, whether it is once it is added up.
    stored: [bool; MOST_BINDINGS],
}

const MOST_BINDINGS: usize = 5;
/// A forward product's output.
const OUTPUT: usize = 2;
/// What a reduction makes.
const REDUCED: usize = 2;

impl From<GemmKernel> for Product {
    /// In f32.
    fn from(gemm: GemmKernel) -> Self {
        Self { gemm, precision: Precision::F32, stored: [false; MOST_BINDINGS] }
    }
}

impl Product {
    /// A pass's kernel in a run of that precision, if it is a product. Where the product is in partitions, the kernel
    /// `behind` it, which adds them up, says in how many bits the output is.
    pub fn of(
        kernel: &(dyn Kernel + 'static),
        behind: Option<&(dyn Kernel + 'static)>,
        precision: Precision,
    ) -> Option<Self> {
        let gemm = GemmKernel::of(kernel)?;
        let mut stored = [false; MOST_BINDINGS];
        for (place, stored) in stored.iter_mut().enumerate().take(kernel.descriptor().bindings.len()) {
            *stored = !kernel.precision(place).is_f32();
        }
        if let (GemmKernel::Forward(forward), Some(behind)) = (gemm, behind)
            && forward.config.partitions > 1
        {
            stored[OUTPUT] = !behind.precision(REDUCED).is_f32();
        }
        Some(Self { gemm, precision, stored })
    }

    pub fn problem(&self) -> GemmProblem {
        self.gemm.problem()
    }

    pub fn config(&self) -> GemmConfig {
        self.gemm.config()
    }

    /// The same product in another configuration.
    pub fn with(self, config: GemmConfig) -> Self {
        Self { gemm: self.gemm.with(config), ..self }
    }

    /// In f32 wherever the other one is.
    pub fn widened_by(self, other: &Self) -> Self {
        let stored = std::array::from_fn(|place| self.stored[place] && other.stored[place]);
        Self { stored, ..self }
    }

    /// Whether all that it multiplies is in f16, or weights rounded to it: then matrix units, whose operands are in f16,
    /// differ from its other configurations in the order of sums alone.
    pub fn multiplies_f16(&self) -> bool {
        let operands = match self.gemm {
            GemmKernel::Forward(_) | GemmKernel::InputGradient(_) => &self.stored[..1],
            GemmKernel::WeightGradient(_) => &self.stored[..2],
        };
        self.precision == Precision::F16 && operands.iter().all(|stored| *stored)
    }

    /// Whether an adapter can run it, and the configuration's results are this product's.
    pub fn runs_on(&self, adapter: &Capabilities) -> bool {
        let (variant, config): (&Variant, _) = (self.gemm.variant(), self.config());
        (config.matrix == 0 || self.multiplies_f16()) && variant.runs_on(adapter, &self.problem(), &config)
    }

    /// The kernel, over buffers as they are.
    pub fn kernel(&self) -> Arc<dyn Kernel> {
        let kernel: Arc<dyn Kernel> = match self.gemm {
            GemmKernel::Forward(kernel) => Arc::new(kernel),
            GemmKernel::WeightGradient(kernel) => Arc::new(kernel),
            GemmKernel::InputGradient(kernel) => Arc::new(kernel),
        };
        Stored::of(kernel, self.precision, |place| self.is_stored(place))
    }

    /// What adds up the partitions of a forward product.
    pub fn reduction(&self) -> Option<Arc<dyn Kernel>> {
        let GemmKernel::Forward(forward) = self.gemm else { return None };
        let reduction: Arc<SplitKReduce> = Arc::new(forward.reduction()?);
        Some(Stored::of(reduction, self.precision, |place| place == REDUCED && self.stored[OUTPUT]))
    }

    /// [`GemmKernel::case`], rounded.
    pub fn case(&self) -> Case {
        let case = self.gemm.case();
        if self.precision.is_f32() { case } else { case.stored_at(self.precision, |place| self.is_stored(place)) }
    }

    /// Partitions are sums, which stay in f32.
    fn is_stored(&self, place: usize) -> bool {
        let forward = matches!(self.gemm, GemmKernel::Forward(_));
        self.stored[place] && !(forward && place == OUTPUT && self.config().partitions > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Draw;
    use super::super::{Access, ConvForward, ConvInputGradient, ConvWeightGradient, Element};
    use super::*;
    use crate::gemm::ArgmaxWord;
    use crate::gemm::examples::convolutions;

    /// On numbers that no sum is exact of: what matrix units round is rounded before.
    #[test]
    fn matrix_units_multiply_what_the_other_configurations_of_a_product_in_f16_do() {
        let plain = GemmConfig { threads: [8, 1], rows: 16, columns: 2, depth: 16, ..GemmConfig::PLAIN };
        let matrix = GemmConfig { stage_b: true, matrix: 8, ..plain };
        for convolution in convolutions() {
            let config = plain;
            let word = ArgmaxWord::of(&convolution, &config);
            let products = [
                GemmKernel::Forward(ConvForward { convolution, bias: true, relu: true, config }),
                GemmKernel::WeightGradient(ConvWeightGradient { convolution, bias: true, word, config }),
                GemmKernel::InputGradient(ConvInputGradient { convolution, word, relu_mask: None, config }),
            ];
            for gemm in products {
                let bindings = gemm.case().kernel.descriptor().bindings;
                let is_stored =
                    |place: usize| bindings.get(place).is_some_and(|own| own.element == Element::Activation);
                let stored = std::array::from_fn(is_stored);
                let product = Product { gemm, precision: Precision::F16, stored };
                assert!(product.multiplies_f16());
                let expected = [plain, matrix].map(|config| {
                    let mut case = product.with(config).gemm.case();
                    let draw = &mut Draw::new(1);
                    for (binding, memory) in case.kernel.descriptor().bindings.iter().zip(&mut case.memory) {
                        if binding.access == Access::Read && binding.element != Element::Words {
                            *memory = draw.numbers(memory.len(), 1.0);
                        }
                    }
                    case.stored_at(Precision::F16, |place| product.is_stored(place)).expected()
                });
                assert!(expected[0] == expected[1], "{}", product.problem());
            }
        }
    }
}
