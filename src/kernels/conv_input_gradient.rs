//! Gradient of a convolution's input: host side and CPU reference of `shaders/conv_input_gradient.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case};
use super::convolution_cases::{
    TALL, describe, for_each_convolution, for_each_matrix_product, unreached, winners, word,
};
use super::fused_pool::Windows;
use super::matrix::{Matrix, multiply_on_all_cores, transpose};
use super::patches::{BLOCK_ROWS, tile_constants};
use super::relu_mask::{self, ReluMask};
use super::scratch::Scratch;
use super::unpooled::Unpooled;
use super::winograd::Winograd;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, read_weights, read_words,
    write_activation,
};
use crate::gemm::{ArgmaxWord, Convolution, DeviceClass, GemmConfig, GemmKind, GemmProblem, OnChip};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "conv_input_gradient",
    about: "gradient of a convolution's or dense layer's input, through the ReLU and dropout that made it",
    wgsl: shader!("conv_input_gradient", "convolution", "argmax", "tiles", "threads", "gemm", "row_tiles", "relu_mask"),
    bindings: &[
        read_activation("output_gradient"),
        read_words("argmax"),
        read_weights("weights"),
        read_activation("input"),
        write_activation("input_gradient"),
    ],
    cases,
};

/// The shader by threads that are alone.
pub(super) const ALONE: &str =
    shader!("conv_input_gradient", "convolution", "argmax", "tiles", "gemm_alone", "row_tiles", "relu_mask");

/// By matrix units of 8 x 8, and of 16 x 16.
pub static BY_MATRICES: [Descriptor; 2] =
    by_matrices!("conv_input_gradient", "convolution", "argmax", "tiles", "row_tiles", "relu_mask");

/// input gradient `[batch, H, W, C]` from the output's gradient and the kernel.
#[derive(Clone, Copy, Debug)]
pub struct ConvInputGradient {
    pub convolution: Convolution,
    /// As [`super::ConvForward::word`].
    pub word: ArgmaxWord,
    /// Of the input.
    pub relu_mask: ReluMask,
    pub config: GemmConfig,
}

impl ConvInputGradient {
    fn column_blocks(&self) -> usize {
        self.convolution.window.input[2].div_ceil(self.config.workgroup_columns())
    }
}

impl Kernel for ConvInputGradient {
    fn descriptor(&self) -> &'static Descriptor {
        self.config.descriptor(&DESCRIPTOR, &BY_MATRICES)
    }

    fn constants(&self) -> Constants {
        let options = vec![("COLUMN_BLOCKS", self.column_blocks().into()), ("GRID_WIDTH", self.workgroups()[0].into())];
        [
            self.convolution.constants(),
            tile_constants(&self.config),
            relu_mask::constants(self.relu_mask),
            self.word.constants(),
            options,
        ]
        .concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let window = &self.convolution.window;
        let reached = self.convolution.reached();
        let phase: usize = (0..2).map(|axis| reached[axis].div_ceil(window.stride[axis])).product();
        let [x, y] = grid((self.convolution.batch * phase).div_ceil(self.config.workgroup_rows()));
        [x, y, self.column_blocks() * window.stride[0] * window.stride[1]]
    }

    fn operations(&self) -> usize {
        2 * GemmProblem::new(GemmKind::InputGradient, &self.convolution).multiply_adds(&self.config)
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "output_gradient" => self.convolution.positions() * self.convolution.filters,
            "argmax" if self.convolution.pool == 1 => 0,
            "argmax" => self.word.words(&self.convolution),
            "weights" => self.convolution.weights(false),
            "input" if self.relu_mask.is_none() => 0,
            "input" | "input_gradient" => self.convolution.inputs(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let Self { convolution, word, relu_mask, .. } = self;
        let (inputs, outputs) = (convolution.inputs(), convolution.positions() * convolution.filters);
        // The bias is not read; without a mask nor is the input.
        let kernel = convolution.depth() * convolution.filters;
        vec![outputs, word.words(convolution), kernel, if relu_mask.is_some() { inputs } else { 1 }, inputs]
    }

    fn on_chip(&self) -> Option<OnChip> {
        Some(GemmProblem::new(GemmKind::InputGradient, &self.convolution).on_chip(&self.config))
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [gradient, argmax, weights, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        let [gradient, weights] = [gradient, weights].map(|values| self.config.operand(floats(values)));
        let (gradient, weights, input) = (&*gradient, &*weights, floats(input));
        let Self { convolution, word, relu_mask, .. } = self;
        let Convolution { batch, filters, .. } = *convolution;
        let depth = convolution.depth();
        let input_gradient = &mut floats_mut(input_gradient)[..convolution.inputs()];
        let values = convolution.inputs() / batch;
        if self.config.winograd {
            let winograd = Winograd::input_gradient(convolution, &weights[..depth * filters]);
            let images = winograd.images(batch, 1);
            input_gradient.par_chunks_mut(images * values).enumerate().for_each(|(block, input_gradient)| {
                let first = block * images;
                winograd.multiply(first..first + input_gradient.len() / values, gradient, input_gradient);
                relu_mask::apply(*relu_mask, input, first * values, input_gradient);
            });
            return;
        }
        let windows = Windows::new(convolution, *word);
        let argmax = &*windows.part(argmax);
        let unpooled = Unpooled { windows, gradient, argmax };
        let mut kernel = Scratch::new(depth * filters);
        transpose(weights, filters, floats_mut(&mut kernel));
        let kernel = floats(&kernel);
        if convolution.is_dense() {
            let left = Matrix::new(gradient, batch, filters);
            multiply_on_all_cores(input_gradient, left, kernel, depth, |first, rows| {
                relu_mask::apply(*relu_mask, input, first * depth, rows);
            });
            return;
        }
        let positions = convolution.positions() / batch;
        let images = (BLOCK_ROWS / (positions * convolution.window_elements())).max(1);
        input_gradient.par_chunks_mut(images * values).enumerate().for_each(|(block, input_gradient)| {
            let first_image = block * images;
            let last_image = first_image + input_gradient.len() / values;
            let positions = first_image * positions..last_image * positions;
            let rows = positions.start * convolution.window_elements()..positions.end * convolution.window_elements();
            let mut patches = Scratch::new(rows.len() * depth);
            let patches = floats_mut(&mut patches);
            unpooled.times_kernel(positions, kernel, depth, patches);
            input_gradient.fill(0.0);
            convolution.scatter_patches(patches, rows, first_image, input_gradient);
            relu_mask::apply(*relu_mask, input, first_image * values, input_gradient);
        });
    }
}

fn cases() -> Vec<Case> {
    for_each_convolution(Convolution::dense(TALL, 1, 2), |convolution, class, draw| {
        let word = word(convolution, class);
        let relu_mask = [None, Some(1.0), Some(4.0 / 3.0)][convolution.filters % 3];
        let config = class.config(GemmKind::InputGradient, convolution);
        let kernel = ConvInputGradient { convolution: *convolution, word, relu_mask, config };
        case_of(format!("{} ReLU mask {relu_mask:?}", describe(convolution, class)), kernel, draw)
    })
}

/// Those by matrix units of `size`.
fn matrix_cases(size: usize) -> Vec<Case> {
    for_each_matrix_product(GemmKind::InputGradient, size, |convolution, config, draw| {
        let word = word(convolution, DeviceClass::Gpu);
        let relu_mask = [None, Some(1.0), Some(4.0 / 3.0)][convolution.filters % 3];
        let kernel = ConvInputGradient { convolution: *convolution, word, relu_mask, config };
        case_of(String::new(), kernel, draw)
    })
}

/// The kernel on numbers whose sums are exact.
pub(super) fn case_of(label: String, kernel: ConvInputGradient, draw: &mut Draw) -> Case {
    let ConvInputGradient { convolution, word, relu_mask, .. } = &kernel;
    let memory = vec![
        draw.eighths(convolution.positions() * convolution.filters),
        winners(convolution, *word, draw),
        draw.eighths(convolution.weights(true)),
        // Without a mask, any buffer is bound.
        draw.eighths(if relu_mask.is_some() { convolution.inputs() } else { 1 }),
        unreached(convolution),
    ];
    case(label, kernel, memory)
}
