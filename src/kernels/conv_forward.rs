//! Convolution forward with bias, ReLU and max-pool: host side and CPU twin of `shaders/conv_forward.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution::{Convolution, Patches, Tile};
use super::convolution_cases::{TALL, describe, for_each_convolution};
use super::fused_pool::Windows;
use super::matrix::{Matrix, Target, multiply, multiply_on_all_cores};
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Kernel, Row, floats, floats_mut, grid, read, write, write_words};

pub const ROW: Row = Row {
    name: "conv_forward",
    about: "convolution or dense forward, with bias, ReLU and max-pool",
    wgsl: include_str!("../../shaders/conv_forward.wgsl"),
    bindings: &[read("input"), read("weights"), write("output"), write_words("argmax")],
    cases,
};

/// output `[batch, OH, OW, filters]` = max_pool(relu(input `[batch, H, W, C]` * kernel + bias)).
#[derive(Clone, Copy, Debug)]
pub struct ConvForward {
    pub convolution: Convolution,
    pub relu: bool,
    pub tile: Tile,
}

impl ConvForward {
    /// Pooled positions in one word of `argmax`: as many as one thread has.
    pub fn packed(&self) -> usize {
        self.tile.rows / self.convolution.places()
    }

    /// Words of `argmax`; without a pool the binding is there, but nothing is written.
    pub fn argmax_words(&self) -> usize {
        match self.convolution.pool {
            1 => 1,
            _ => self.convolution.positions().div_ceil(self.packed()) * self.convolution.filters,
        }
    }

    /// Bias and ReLU of rows `[rows, filters]`, in place.
    fn activate(&self, rows: &mut [f32], bias: &[f32]) {
        vectorised(
            #[inline(always)]
            || {
                for row in rows.chunks_exact_mut(bias.len()) {
                    for (value, bias) in row.iter_mut().zip(bias) {
                        *value += bias;
                        if self.relu {
                            *value = value.max(0.0);
                        }
                    }
                }
            },
        );
    }
}

impl Kernel for ConvForward {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        let options = vec![("RELU", self.relu.into()), ("GRID_WIDTH", self.workgroups()[0].into())];
        [self.convolution.constants(), self.tile.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.convolution.rows().div_ceil(self.tile.workgroup_rows()));
        [x, y, self.convolution.filters.div_ceil(self.tile.workgroup_columns())]
    }

    fn operations(&self) -> usize {
        2 * self.convolution.rows() * self.convolution.depth() * self.convolution.filters
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [input, weights, output, argmax] = memory else { unreachable!("{BINDINGS}") };
        let (input, weights, output) = (floats(input), floats(weights), floats_mut(output));
        let (depth, filters, places) = (self.convolution.depth(), self.convolution.filters, self.convolution.places());
        let (kernel, bias) = weights[..self.convolution.weights()].split_at(depth * filters);
        if self.convolution.is_dense() {
            let left = Matrix::new(input, self.convolution.batch, depth);
            multiply_on_all_cores(output, left, kernel, filters, |_, rows| self.activate(rows, bias));
            return;
        }
        // Blocks of positions whose products stay in the cache; whole words of argmax each.
        let positions = (512 / places).next_multiple_of(self.packed());
        let block = |number: usize, output: &mut [f32], argmax: &mut [u32]| {
            let first = number * positions * places;
            let rows = first..first + output.len() / filters * places;
            let patches = Patches::new(&self.convolution, input, rows.clone());
            if places == 1 {
                multiply(output, Target::Overwrite, patches.matrix(), 0, kernel, filters);
            } else {
                let mut products = Scratch::new(rows.len() * filters);
                let products = floats_mut(&mut products);
                multiply(products, Target::Overwrite, patches.matrix(), 0, kernel, filters);
                Windows::new(&self.convolution, self.packed()).pool(products, output, argmax);
            }
            self.activate(output, bias);
        };
        let outputs = output[..self.convolution.positions() * filters].par_chunks_mut(positions * filters).enumerate();
        if places == 1 {
            outputs.for_each(|(number, output)| block(number, output, &mut []));
        } else {
            let words = argmax.par_chunks_mut(positions / self.packed() * filters);
            outputs.zip(words).for_each(|((number, output), argmax)| block(number, output, argmax));
        }
    }
}

fn cases() -> Vec<Case> {
    for_each_convolution(Convolution::dense(TALL, 1, 2), |convolution, tiles, draw| {
        let relu = convolution.filters % 2 == 0;
        let kernel = ConvForward { convolution: *convolution, relu, tile: tiles.forward(convolution) };
        case_of(describe(convolution, tiles), kernel, draw)
    })
}

/// The kernel on numbers whose sums are exact.
pub(super) fn case_of(label: String, kernel: ConvForward, draw: &mut Draw) -> Case {
    let convolution = &kernel.convolution;
    let memory = vec![
        draw.eighths(convolution.inputs()),
        draw.eighths(convolution.weights()),
        unwritten(convolution.positions() * convolution.filters),
        if convolution.pool == 1 { vec![0] } else { unwritten(kernel.argmax_words()) },
    ];
    case(label, kernel, memory, 0.0)
}
