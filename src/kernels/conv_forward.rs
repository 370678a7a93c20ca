//! Convolution forward with bias, ReLU and max-pool: host side and CPU reference of `shaders/conv_forward.wgsl`.

use std::ops::Range;

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution_cases::{TALL, describe, for_each_convolution, for_each_matrix_product};
use super::fused_pool::Windows;
use super::matrix::{Matrix, Target, multiply, multiply_on_all_cores};
use super::patches::{BLOCK_ROWS, Patches, tile_constants};
use super::scratch::Scratch;
use super::split_k_reduce::{SplitKReduce, add_bias_and_relu};
use super::winograd::Winograd;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, read_weights, write_activation,
    write_words,
};
use crate::gemm::examples::window;
use crate::gemm::{ArgmaxWord, Convolution, DeviceClass, GemmConfig, GemmKind, GemmProblem, OnChip};
use crate::geometry::Padding;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "conv_forward",
    about: "convolution or dense forward, with bias, ReLU and max-pool",
    wgsl: shader!("conv_forward", "convolution", "argmax", "patches", "tiles", "threads", "gemm", "row_tiles"),
    bindings: &[read_activation("input"), read_weights("weights"), write_activation("output"), write_words("argmax")],
    cases,
};

/// The shader by threads that are alone.
pub(super) const ALONE: &str =
    shader!("conv_forward", "convolution", "argmax", "patches", "tiles", "gemm_alone", "row_tiles");

/// By matrix units of 8 x 8, and of 16 x 16.
pub static BY_MATRICES: [Descriptor; 2] =
    by_matrices!("conv_forward", "convolution", "argmax", "patches", "tiles", "row_tiles");

/// output `[batch, OH, OW, filters]` = max_pool(relu(input `[batch, H, W, C]` * kernel + bias)). With more partitions than
/// one it is `[partitions, batch, OH, OW, filters]`: input * kernel alone, each partition over its own part of the depth, for
/// [`SplitKReduce`].
#[derive(Clone, Copy, Debug)]
pub struct ConvForward {
    pub convolution: Convolution,
    pub bias: bool,
    pub relu: bool,
    pub config: GemmConfig,
}

impl ConvForward {
    /// What a word of `argmax` holds.
    pub fn word(&self) -> ArgmaxWord {
        ArgmaxWord::of(&self.convolution, &self.config)
    }

    /// Whether `argmax` says where ReLU left zero: that no element of the window has won. The passes that go
    /// backward through the pool then need no gradient that went through a ReLU's mask.
    pub fn argmax_has_relu(&self) -> bool {
        self.relu && self.convolution.pool > 1
    }

    /// Words of all partitions.
    pub fn output_words(&self) -> usize {
        self.config.partitions.saturating_mul(self.convolution.positions() * self.convolution.filters)
    }

    /// What has to follow where there are partitions.
    pub fn reduction(&self) -> Option<SplitKReduce> {
        let Self { convolution, bias, relu, config: GemmConfig { partitions, .. } } = *self;
        let (rows, depth, filters) = (convolution.positions(), convolution.depth(), convolution.filters);
        (partitions > 1).then_some(SplitKReduce { rows, depth, filters, partitions, bias, relu })
    }

    fn partition_depth(&self) -> usize {
        self.config.partition_depth(self.convolution.depth())
    }

    fn column_blocks(&self) -> usize {
        self.convolution.filters.div_ceil(self.config.workgroup_columns())
    }

    /// Bias and ReLU of rows `[rows, filters]`, in place; nothing where there are partitions.
    fn activate(&self, rows: &mut [f32], bias: &[f32]) {
        if self.config.partitions == 1 {
            add_bias_and_relu(rows, self.bias.then_some(bias), self.relu);
        }
    }

    /// The products of a part of the depth, with all that follows where it is the whole depth.
    fn partition(&self, part: Range<usize>, [input, weights]: [&[f32]; 2], output: &mut [f32], argmax: &mut [u32]) {
        let (depth, filters, window) =
            (self.convolution.depth(), self.convolution.filters, self.convolution.window_elements());
        let (kernel, bias) = weights[..self.convolution.weights(self.bias)].split_at(depth * filters);
        let kernel = &*self.config.operand(&kernel[part.start * filters..part.end * filters]);
        if self.convolution.is_dense() {
            let left = Matrix::new(input, self.convolution.batch, depth).of_columns(part);
            multiply_on_all_cores(output, left, kernel, filters, |_, rows| self.activate(rows, bias));
            return;
        }
        let winograd = self.config.winograd.then(|| Winograd::forward(&self.convolution, kernel));
        let of_image = self.convolution.positions() / self.convolution.batch;
        let word = if window == 1 { ArgmaxWord::ONE } else { self.word() };
        // Whole words of argmax each.
        let positions = match &winograd {
            None => (BLOCK_ROWS / window).next_multiple_of(word.positions),
            Some(winograd) => of_image * winograd.images(self.convolution.batch, word.images(of_image)),
        };
        let multiply = |rows: Range<usize>, products: &mut [f32]| match &winograd {
            None => {
                let patches = Patches::new(&self.convolution, input, rows);
                let left = patches.matrix().of_columns(part.clone());
                multiply(products, Target::Overwrite, left, 0, kernel, filters);
            }
            Some(winograd) => {
                let of_image = of_image * window;
                winograd.multiply(rows.start / of_image..rows.end / of_image, input, products);
            }
        };
        let windows = Windows::new(&self.convolution, self.word());
        let block = |number: usize, output: &mut [f32], argmax: &mut [u32]| {
            let first = number * positions * window;
            let rows = first..first + output.len() / filters * window;
            if window == 1 {
                multiply(rows, output);
            } else {
                let mut products = Scratch::new(rows.len() * filters);
                let products = floats_mut(&mut products);
                multiply(rows, products);
                windows.pool(products, output, argmax);
            }
            self.activate(output, bias);
            if self.argmax_has_relu() {
                windows.rectify(output, argmax);
            }
        };
        let outputs = output.par_chunks_mut(positions * filters).enumerate();
        if window == 1 {
            outputs.for_each(|(number, output)| block(number, output, &mut []));
        } else {
            let words = argmax.par_chunks_mut(windows.words(positions));
            outputs.zip(words).for_each(|((number, output), words)| {
                windows.join(words, |argmax| block(number, output, argmax));
            });
        }
    }
}

impl Kernel for ConvForward {
    fn descriptor(&self) -> &'static Descriptor {
        self.config.descriptor(&DESCRIPTOR, &BY_MATRICES)
    }

    fn constants(&self) -> Constants {
        let options = vec![
            ("BIAS", self.bias.into()),
            ("RELU", (self.relu && self.config.partitions == 1).into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
            ("PARTITIONS", self.config.partitions.into()),
            ("PARTITION_DEPTH", self.partition_depth().into()),
            ("COLUMN_BLOCKS", self.column_blocks().into()),
        ];
        [self.convolution.constants(), tile_constants(&self.config), self.word().constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.convolution.rows().div_ceil(self.config.workgroup_rows()));
        [x, y, self.column_blocks() * self.config.partitions]
    }

    fn operations(&self) -> usize {
        2 * GemmProblem::new(GemmKind::Forward, &self.convolution).multiply_adds(&self.config)
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "weights" => self.convolution.weights(self.bias),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![
            self.convolution.inputs(),
            self.convolution.weights(self.bias),
            self.output_words(),
            self.word().words(&self.convolution),
        ]
    }

    fn on_chip(&self) -> Option<OnChip> {
        Some(GemmProblem::new(GemmKind::Forward, &self.convolution).on_chip(&self.config))
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [input, weights, output, argmax] = memory else { unreachable!("{BINDINGS}") };
        let (input, weights, output) = (self.config.operand(floats(input)), floats(weights), floats_mut(output));
        let (depth, step) = (self.convolution.depth(), self.partition_depth());
        let words = self.convolution.positions() * self.convolution.filters;
        for (partition, output) in output.chunks_exact_mut(words).take(self.config.partitions).enumerate() {
            self.partition(partition * step..depth.min((partition + 1) * step), [&input, weights], output, argmax);
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = for_each_convolution(Convolution::dense(TALL, 1, 2), |convolution, class, draw| {
        let (relu, bias) = (convolution.filters % 2 == 0, convolution.filters % 3 != 0);
        let config = class.config(GemmKind::Forward, convolution);
        case_of(describe(convolution, class), ConvForward { convolution: *convolution, bias, relu, config }, draw)
    });
    cases.extend(in_partitions().into_iter().enumerate().map(|(number, (convolution, partitions))| {
        let config = GemmConfig { partitions, ..DeviceClass::Gpu.config(GemmKind::Forward, &convolution) };
        let bias = number % 3 != 2;
        let kernel = ConvForward { convolution, bias, relu: true, config };
        let label = format!("{} partitions {partitions} bias {bias}", describe(&convolution, DeviceClass::Gpu));
        Case { class: Some(DeviceClass::Gpu), ..case_of(label, kernel, &mut Draw::new(1000 + number)) }
    }));
    cases
}

/// Those by matrix units of `size`.
fn matrix_cases(size: usize) -> Vec<Case> {
    for_each_matrix_product(GemmKind::Forward, size, |convolution, config, draw| {
        let (relu, bias) = (convolution.filters % 2 == 0, convolution.filters % 3 != 0);
        case_of(String::new(), ConvForward { convolution: *convolution, bias, relu, config }, draw)
    })
}

/// Products in more partitions than the profile would give: equal ones, and a last one with fewer tiles, or with a part of
/// one.
fn in_partitions() -> Vec<(Convolution, usize)> {
    let window = |input, size, stride| {
        let window = window(input, size, stride, Padding::Same);
        Convolution { batch: 3, window, filters: 12, pool: 1 }
    };
    vec![
        (Convolution::dense(64, 96, 136), 3),
        (Convolution::dense(64, 96, 136), 2),
        (Convolution::dense(33, 130, 10), 3),
        (Convolution::dense(9, 301, 40), 2),
        (Convolution::dense(9, 301, 40), 3),
        (window([7, 6, 11], [3, 3], [2, 2]), 2),
        (window([7, 6, 11], [3, 3], [1, 2]), 3),
    ]
}

/// The kernel on numbers whose sums are exact.
pub(super) fn case_of(label: String, kernel: ConvForward, draw: &mut Draw) -> Case {
    let convolution = &kernel.convolution;
    let memory = vec![
        draw.eighths(convolution.inputs()),
        draw.eighths(convolution.weights(kernel.bias)),
        unwritten(kernel.output_words()),
        if convolution.pool == 1 { vec![0] } else { unwritten(kernel.word().words(convolution)) },
    ];
    case(label, kernel, memory)
}
