//! A product's kernel with its configuration, which can be exchanged for another.

use std::any::Any;

use super::case::Draw;
use super::{
    Case, ConvForward, ConvInputGradient, ConvWeightGradient, Kernel, Stored, conv_forward, conv_input_gradient,
    conv_weight_gradient, specialise,
};
use crate::gemm::{ArgmaxWord, GemmConfig, GemmKind, GemmProblem, VARIANTS, Variant};

/// One of the three kernels that have a configuration.
#[derive(Clone, Copy, Debug)]
pub enum GemmKernel {
    Forward(ConvForward),
    WeightGradient(ConvWeightGradient),
    InputGradient(ConvInputGradient),
}

impl GemmKernel {
    /// A plan's kernel, if it is one of the three, over activations of whichever precision.
    pub fn of(kernel: &(dyn Kernel + 'static)) -> Option<Self> {
        let kernel: &dyn Any = kernel;
        if let Some(stored) = kernel.downcast_ref::<Stored>() {
            return Self::of(stored.inner());
        }
        let forward = || kernel.downcast_ref().copied().map(GemmKernel::Forward);
        let weight_gradient = || kernel.downcast_ref().copied().map(GemmKernel::WeightGradient);
        let input_gradient = || kernel.downcast_ref().copied().map(GemmKernel::InputGradient);
        forward().or_else(weight_gradient).or_else(input_gradient)
    }

    pub fn problem(&self) -> GemmProblem {
        match self {
            GemmKernel::Forward(kernel) => GemmProblem::new(GemmKind::Forward, &kernel.convolution),
            GemmKernel::WeightGradient(kernel) => GemmProblem::new(GemmKind::WeightGradient, &kernel.convolution),
            GemmKernel::InputGradient(kernel) => GemmProblem::new(GemmKind::InputGradient, &kernel.convolution),
        }
    }

    pub fn config(&self) -> GemmConfig {
        match self {
            GemmKernel::Forward(kernel) => kernel.config,
            GemmKernel::WeightGradient(kernel) => kernel.config,
            GemmKernel::InputGradient(kernel) => kernel.config,
        }
    }

    /// The same product in another configuration.
    pub fn with(self, config: GemmConfig) -> Self {
        match self {
            GemmKernel::Forward(kernel) => GemmKernel::Forward(ConvForward { config, ..kernel }),
            GemmKernel::WeightGradient(kernel) => GemmKernel::WeightGradient(ConvWeightGradient { config, ..kernel }),
            GemmKernel::InputGradient(kernel) => GemmKernel::InputGradient(ConvInputGradient { config, ..kernel }),
        }
    }

    /// Its row of the list of variants.
    pub fn variant(&self) -> &'static Variant {
        let name = self.kernel().descriptor().name;
        VARIANTS.iter().find(|variant| variant.kernel == name).expect("every product's kernel is a variant")
    }

    /// The kernel's text by threads that are alone, see `shaders/common/gemm_alone.wgsl`: of a product whose threads share a
    /// tile of A and nothing else.
    pub fn text_alone(kernel: &(dyn Kernel + 'static)) -> Option<String> {
        let any: &dyn Any = kernel;
        let product = Self::of(any.downcast_ref().map_or(kernel, Stored::inner))?;
        let GemmConfig { threads: [_, threads_y], stage_b, matrix, rows, .. } = product.config();
        if threads_y > 1 || stage_b || matrix > 0 {
            return None;
        }
        let wgsl = match product {
            GemmKernel::Forward(_) => conv_forward::ALONE,
            GemmKernel::WeightGradient(_) => conv_weight_gradient::ALONE,
            GemmKernel::InputGradient(_) => conv_input_gradient::ALONE,
        };
        // Each loads all rows of its tile.
        let alone =
            vec![("THREADS_PER_ROW", 1u32.into()), ("ROW_STRIDE", 1u32.into()), ("ROWS_PER_THREAD", rows.into())];
        Some(kernel.in_its_precision(specialise(wgsl, &[kernel.constants(), alone].concat())))
    }

    /// The rule of [`GemmProblem::broken_rule`] that the kernel breaks, if any, or that a word of argmax has room for so
    /// many winners.
    pub fn broken_rule(&self) -> Option<&'static str> {
        let problem = self.problem();
        let fits = match self {
            // Follows from the configuration.
            GemmKernel::Forward(_) => true,
            _ if problem.convolution.pool == 1 => true,
            GemmKernel::WeightGradient(kernel) => kernel.word.fits(),
            GemmKernel::InputGradient(kernel) => kernel.word.fits(),
        };
        let rule = problem.broken_rule(&self.config());
        rule.or_else(|| (!fits).then_some(ArgmaxWord::RULE))
    }

    pub fn kernel(&self) -> &(dyn Kernel + 'static) {
        match self {
            GemmKernel::Forward(kernel) => kernel,
            GemmKernel::WeightGradient(kernel) => kernel,
            GemmKernel::InputGradient(kernel) => kernel,
        }
    }

    /// The product at its full size on multiples of 1/8, whose sums are exact in any order. The configuration decides the
    /// lengths of buffers that are written, and no buffer's contents.
    pub fn case(&self) -> Case {
        let (label, draw) = (format!("{}: {}", self.problem(), self.config()), &mut Draw::new(0));
        match self {
            GemmKernel::Forward(kernel) => conv_forward::case_of(label, *kernel, draw),
            GemmKernel::WeightGradient(kernel) => conv_weight_gradient::case_of(label, *kernel, draw),
            GemmKernel::InputGradient(kernel) => conv_input_gradient::case_of(label, *kernel, draw),
        }
    }
}
