//! Convolution forward with bias, ReLU and max-pool: host side and CPU twin of `shaders/conv_forward.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution::{Convolution, Tile};
use super::convolution_cases::{TALL, describe, for_each_convolution};
use super::matrix::{Matrix, Target, multiply, multiply_on_all_cores};
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

    /// Bias, ReLU and max-pool of `rows [positions * places, filters]`; places go to `argmax` where there is a pool.
    fn epilogue(&self, rows: &[f32], bias: &[f32], output: &mut [f32], argmax: &mut [u32]) {
        let (filters, places) = (self.convolution.filters, self.convolution.places());
        argmax.fill(0);
        let windows = rows.chunks_exact(places * filters).zip(output.chunks_exact_mut(filters)).enumerate();
        for (position, (window, output)) in windows {
            for filter in 0..filters {
                let mut largest = (window[filter], 0);
                for place in 1..places {
                    let candidate = window[place * filters + filter];
                    if candidate > largest.0 {
                        largest = (candidate, place as u32);
                    }
                }
                let value = largest.0 + bias[filter];
                output[filter] = if self.relu { value.max(0.0) } else { value };
                if places > 1 {
                    argmax[position / self.packed() * filters + filter] |=
                        largest.1 << (4 * (position % self.packed()));
                }
            }
        }
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

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [input, weights, output, argmax] = memory else { unreachable!("{BINDINGS}") };
        let (input, weights, output) = (floats(input), floats(weights), floats_mut(output));
        let (depth, filters, places) = (self.convolution.depth(), self.convolution.filters, self.convolution.places());
        let kernel = Matrix::new(weights, depth, filters);
        let bias = &weights[depth * filters..][..filters];
        if self.convolution.is_dense() {
            let left = Matrix::new(input, self.convolution.batch, depth);
            multiply_on_all_cores(output, left, kernel);
            for row in output.chunks_exact_mut(filters) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value = if self.relu { (*value + bias).max(0.0) } else { *value + bias };
                }
            }
            return;
        }
        // Blocks of positions whose patches stay in the cache; whole words of argmax each.
        let positions = (512 / places).next_multiple_of(self.packed());
        let mut no_places = Vec::new();
        let blocks: Vec<&mut [u32]> = if places > 1 {
            argmax.chunks_mut(positions / self.packed() * filters).collect()
        } else {
            no_places.resize_with(self.convolution.positions().div_ceil(positions), Default::default);
            no_places
        };
        let outputs = output[..self.convolution.positions() * filters].par_chunks_mut(positions * filters);
        outputs.zip(blocks).enumerate().for_each_init(
            || (Vec::new(), Vec::new()),
            |(patches, products), (block, (output, argmax))| {
                let first = block * positions * places;
                let rows = first..first + output.len() / filters * places;
                patches.resize(rows.len() * depth, 0.0);
                products.resize(rows.len() * filters, 0.0);
                let count = rows.len();
                self.convolution.gather_patches(input, rows, patches);
                multiply(products, Target::Overwrite, Matrix::new(patches, count, depth), kernel);
                self.epilogue(products, bias, output, argmax);
            },
        );
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
