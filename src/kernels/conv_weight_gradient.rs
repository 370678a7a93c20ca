//! Gradient of kernel and bias: host side and CPU reference of `shaders/conv_weight_gradient.wgsl`.

use std::ops::Range;

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution_cases::{TALL, describe, for_each_convolution, for_each_matrix_product, winners, word};
use super::fused_pool::Windows;
use super::matrix::{Matrix, Target, WHOLE_TILES, multiply, multiply_on_all_cores, transpose};
use super::patches::{BLOCK_ROWS, Patches, tile_constants};
use super::scratch::Scratch;
use super::unpooled::Unpooled;
use super::updates::Partitions;
use super::winograd;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, read_words, write};
use crate::gemm::{ArgmaxWord, Convolution, DeviceClass, GemmConfig, GemmKind, GemmProblem, OnChip};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "conv_weight_gradient",
    about: "gradient of a convolution's or dense layer's kernel and bias, in partitions",
    wgsl: shader!("conv_weight_gradient", "convolution", "argmax", "patches", "tiles", "threads", "gemm"),
    bindings: &[
        read_activation("input"),
        read_activation("output_gradient"),
        read_words("argmax"),
        write("weight_gradient"),
    ],
    cases,
};

/// The shader by threads that are alone.
pub(super) const ALONE: &str =
    shader!("conv_weight_gradient", "convolution", "argmax", "patches", "tiles", "gemm_alone");

/// By matrix units of 8 x 8, and of 16 x 16.
pub static BY_MATRICES: [Descriptor; 2] =
    by_matrices!("conv_weight_gradient", "convolution", "argmax", "patches", "tiles");

/// weight gradient `[partitions, depth + 1, filters]`, or without the last row where there is no bias, from the input and the output's gradient, each partition over its own
/// run of positions.
#[derive(Clone, Copy, Debug)]
pub struct ConvWeightGradient {
    pub convolution: Convolution,
    pub bias: bool,
    /// As [`super::ConvForward::word`].
    pub word: ArgmaxWord,
    pub config: GemmConfig,
}

impl ConvWeightGradient {
    /// Where the gradients of the kernel and of the bias, if there is one, lie in the weight gradient.
    pub fn partitions(&self) -> Vec<Partitions> {
        let (kernel, all) = (self.convolution.weights(false), self.weights());
        let of = |first, words| Partitions { first, words, count: self.config.partitions, stride: all };
        let bias = self.bias.then(|| of(kernel, all - kernel));
        [of(0, kernel)].into_iter().chain(bias).collect()
    }

    /// Words of a partition.
    fn weights(&self) -> usize {
        self.convolution.weights(self.bias)
    }

    /// Positions of every partition but the last, which may have fewer.
    fn partition_positions(&self) -> usize {
        // Winograd's filtering has whole images.
        let unit = if self.config.winograd { self.convolution.positions() / self.convolution.batch } else { 1 };
        unit * (self.convolution.positions() / unit).div_ceil(self.config.partitions)
    }

    fn column_blocks(&self) -> usize {
        self.convolution.filters.div_ceil(self.config.workgroup_columns())
    }

    fn windows(&self) -> Windows {
        Windows::new(&self.convolution, self.word)
    }

    /// Positions and their patches, as many at a time as stay in a core's cache.
    fn for_each_block(&self, positions: Range<usize>, input: &[f32], mut visit: impl FnMut(Range<usize>, Matrix)) {
        let window = self.convolution.window_elements();
        for begin in positions.clone().step_by(BLOCK_ROWS / window) {
            let positions = begin..positions.end.min(begin + BLOCK_ROWS / window);
            let rows = positions.start * window..positions.end * window;
            visit(positions, Patches::new(&self.convolution, input, rows).matrix());
        }
    }

    /// Rows of a partition's kernel gradient from `first_row` on.
    fn sum(&self, positions: Range<usize>, first_row: usize, input: &[f32], unpooled: Unpooled, sums: &mut [f32]) {
        sums.fill(0.0);
        self.for_each_block(positions, input, |positions, patches| {
            unpooled.with_zeros(positions, |gradient| {
                let (left, filters) = (patches.transposed(), self.convolution.filters);
                multiply(sums, Target::Accumulate, left, first_row, gradient, filters);
            });
        });
    }

    /// The same, of some filters, `[filters, depth]`, without the gradient's zeros.
    fn sum_sparse(
        &self,
        positions: Range<usize>,
        filters: Range<usize>,
        input: &[f32],
        unpooled: Unpooled,
        sums: &mut [f32],
    ) {
        sums.fill(0.0);
        self.for_each_block(positions, input, |positions, patches| {
            unpooled.add_patches(positions, filters.clone(), patches, self.convolution.run(), sums);
        });
    }
}

/// The sums of all rows of a matrix `[rows, sums.len()]`.
fn add_up_rows(matrix: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    for row in matrix.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

impl Kernel for ConvWeightGradient {
    fn descriptor(&self) -> &'static Descriptor {
        self.config.descriptor(&DESCRIPTOR, &BY_MATRICES)
    }

    fn constants(&self) -> Constants {
        let options = vec![
            ("BIAS", self.bias.into()),
            ("PARTITION_POSITIONS", self.partition_positions().into()),
            ("COLUMN_BLOCKS", self.column_blocks().into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [self.convolution.constants(), tile_constants(&self.config), self.word.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.convolution.depth().div_ceil(self.config.workgroup_rows()));
        [x, y, self.column_blocks() * self.config.partitions]
    }

    fn operations(&self) -> usize {
        2 * GemmProblem::new(GemmKind::WeightGradient, &self.convolution).multiply_adds(&self.config)
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "weight_gradient" => self.config.partitions * self.weights(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let Self { convolution, word, config, .. } = self;
        let outputs = convolution.positions() * convolution.filters;
        vec![convolution.inputs(), outputs, word.words(convolution), config.partitions.saturating_mul(self.weights())]
    }

    fn on_chip(&self) -> Option<OnChip> {
        Some(GemmProblem::new(GemmKind::WeightGradient, &self.convolution).on_chip(&self.config))
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [input, gradient, argmax, sums] = memory else { unreachable!("{BINDINGS}") };
        let (gradient, sums) = (floats(gradient), floats_mut(sums));
        let argmax = &*self.windows().part(argmax);
        let [input, right] = [floats(input), gradient].map(|values| self.config.operand(values));
        let (input, right) = (&*input, &*right);
        let unpooled = Unpooled { windows: self.windows(), gradient: right, argmax };
        let Convolution { batch, filters, .. } = self.convolution;
        let depth = self.convolution.depth();
        if self.convolution.is_dense() && self.config.partitions == 1 {
            let (kernel, bias) = sums.split_at_mut(depth * filters);
            let left = Matrix::new(input, batch, depth).transposed();
            multiply_on_all_cores(kernel, left, right, filters, |_, _| {});
            if self.bias {
                add_up_rows(&gradient[..batch * filters], &mut bias[..filters]);
            }
            return;
        }
        // Where there are few partitions, the cores share out the rows of each, too. Every number is added up in the same
        // order, however many there are.
        let parts = (2 * rayon::current_num_threads()).div_ceil(self.config.partitions);
        let rows = depth.div_ceil(parts).next_multiple_of(WHOLE_TILES);
        let partitions = sums.par_chunks_exact_mut(self.weights()).take(self.config.partitions).enumerate();
        partitions.for_each(|(partition, sums)| {
            let begin = (partition * self.partition_positions()).min(self.convolution.positions());
            let end = (begin + self.partition_positions()).min(self.convolution.positions());
            let (kernel, bias) = sums.split_at_mut(depth * filters);
            if self.config.winograd {
                let of_image = self.convolution.positions() / batch;
                winograd::weight_gradient(&self.convolution, begin / of_image..end / of_image, [input, right], kernel);
            } else if unpooled.is_sparse(self.convolution.run()) {
                let mut by_filter = Scratch::new(depth * filters);
                let by_filter = floats_mut(&mut by_filter);
                let own = filters.div_ceil(parts);
                by_filter.par_chunks_mut(own * depth).enumerate().for_each(|(block, sums)| {
                    let filters = block * own..filters.min((block + 1) * own);
                    self.sum_sparse(begin..end, filters, input, unpooled, sums);
                });
                transpose(by_filter, depth, kernel);
            } else {
                kernel.par_chunks_mut(rows * filters).enumerate().for_each(|(block, sums)| {
                    self.sum(begin..end, block * rows, input, unpooled, sums);
                });
            }
            if self.bias {
                match self.convolution.window_elements() {
                    1 => add_up_rows(&gradient[begin * filters..end * filters], bias),
                    _ => self.windows().add_up(gradient, argmax, begin..end, bias),
                }
            }
        });
    }
}

fn cases() -> Vec<Case> {
    for_each_convolution(Convolution::dense(2, TALL, 1), |convolution, class, draw| {
        // More partitions than the profile would give, so that they are tested on small batches.
        let partitions = 1 + convolution.filters % 4;
        let config = GemmConfig { partitions, ..class.config(GemmKind::WeightGradient, convolution) };
        let word = word(convolution, class);
        let bias = convolution.filters % 3 != 0;
        let kernel = ConvWeightGradient { convolution: *convolution, bias, word, config };
        case_of(format!("{} partitions {partitions}", describe(convolution, class)), kernel, draw)
    })
}

/// Those by matrix units of `size`.
fn matrix_cases(size: usize) -> Vec<Case> {
    for_each_matrix_product(GemmKind::WeightGradient, size, |convolution, config, draw| {
        let word = word(convolution, DeviceClass::Gpu);
        let (convolution, bias) = (*convolution, convolution.filters % 3 != 0);
        case_of(String::new(), ConvWeightGradient { convolution, bias, word, config }, draw)
    })
}

/// The kernel on numbers whose sums are exact.
pub(super) fn case_of(label: String, kernel: ConvWeightGradient, draw: &mut Draw) -> Case {
    let ConvWeightGradient { convolution, word, config, .. } = &kernel;
    let memory = vec![
        draw.eighths(convolution.inputs()),
        draw.eighths(convolution.positions() * convolution.filters),
        winners(convolution, *word, draw),
        unwritten(config.partitions * kernel.weights()),
    ];
    case(label, kernel, memory)
}
