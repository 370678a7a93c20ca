//! Gradient of kernel and bias: host side and CPU twin of `shaders/conv_weight_gradient.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution::{Convolution, Tile};
use super::convolution_cases::{TALL, describe, for_each_convolution, packed, places};
use super::matrix::{Matrix, Target, multiply, multiply_on_all_cores};
use super::{BINDINGS, Constants, Kernel, Row, floats, floats_mut, grid, read, read_words, write};

pub const ROW: Row = Row {
    name: "conv_weight_gradient",
    about: "gradient of a convolution's or dense layer's kernel and bias, in slots",
    wgsl: include_str!("../../shaders/conv_weight_gradient.wgsl"),
    bindings: &[read("input"), read("output_gradient"), read_words("argmax"), write("weight_gradient")],
    cases,
};

/// weight gradient `[slots, depth + 1, filters]` from the input and the output's gradient, each slot over its own run of
/// positions.
#[derive(Clone, Copy, Debug)]
pub struct ConvWeightGradient {
    pub convolution: Convolution,
    /// As [`super::ConvForward::packed`].
    pub packed: usize,
    pub slots: usize,
    pub tile: Tile,
}

impl ConvWeightGradient {
    /// Positions of every slot but the last, which may have fewer.
    fn slot_positions(&self) -> usize {
        self.convolution.positions().div_ceil(self.slots)
    }

    fn column_blocks(&self) -> usize {
        self.convolution.filters.div_ceil(self.tile.workgroup_columns())
    }

    /// The partial sums of one slot, by blocks whose patches stay in the cache.
    fn slot(&self, number: usize, input: &[f32], gradient: &[f32], argmax: &[u32], sums: &mut [f32]) {
        let Self { convolution, packed, .. } = self;
        let (depth, filters, places) = (convolution.depth(), convolution.filters, convolution.places());
        let begin = (number * self.slot_positions()).min(convolution.positions());
        let end = (begin + self.slot_positions()).min(convolution.positions());
        let (kernel, bias) = sums.split_at_mut(depth * filters);
        kernel.fill(0.0);
        bias.fill(0.0);
        let (mut patches, mut expanded) = (Vec::new(), Vec::new());
        for begin in (begin..end).step_by(512 / places) {
            let positions = begin..end.min(begin + 512 / places);
            let rows = positions.start * places..positions.end * places;
            let count = rows.len();
            patches.resize(count * depth, 0.0);
            convolution.gather_patches(input, rows, &mut patches);
            let own = &gradient[positions.start * filters..positions.end * filters];
            let right = if places > 1 {
                expanded.resize(count * filters, 0.0);
                convolution.expand_gradient(gradient, argmax, *packed, positions, &mut expanded);
                &expanded
            } else {
                own
            };
            let left = Matrix::new(&patches, count, depth).transposed();
            multiply(kernel, Target::Accumulate, left, Matrix::new(right, count, filters));
            add_rows(own, bias);
        }
    }
}

/// Adds every row of a matrix `[rows, sums.len()]` to `sums`.
fn add_rows(matrix: &[f32], sums: &mut [f32]) {
    for row in matrix.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

impl Kernel for ConvWeightGradient {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        let options = vec![
            ("PACKED", self.packed.into()),
            ("SLOT_POSITIONS", self.slot_positions().into()),
            ("COLUMN_BLOCKS", self.column_blocks().into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [self.convolution.constants(), self.tile.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.convolution.depth().div_ceil(self.tile.workgroup_rows()));
        [x, y, self.column_blocks() * self.slots]
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [input, gradient, argmax, sums] = memory else { unreachable!("{BINDINGS}") };
        let (input, gradient, sums) = (floats(input), floats(gradient), floats_mut(sums));
        let Convolution { batch, filters, .. } = self.convolution;
        let depth = self.convolution.depth();
        if self.convolution.is_dense() && self.slots == 1 {
            let (kernel, bias) = sums.split_at_mut(depth * filters);
            let left = Matrix::new(input, batch, depth).transposed();
            multiply_on_all_cores(kernel, left, Matrix::new(gradient, batch, filters));
            bias.fill(0.0);
            add_rows(&gradient[..batch * filters], &mut bias[..filters]);
            return;
        }
        let slots = sums.par_chunks_exact_mut(self.convolution.weights()).take(self.slots).enumerate();
        slots.for_each(|(number, sums)| self.slot(number, input, gradient, argmax, sums));
    }
}

fn cases() -> Vec<Case> {
    for_each_convolution(Convolution::dense(2, TALL, 1), |convolution, tiles, draw| {
        let tile = tiles.weight_gradient(convolution);
        // More slots than the table would give, so that the cut is tested on small batches.
        let slots = 1 + convolution.filters % 4;
        let packed = packed(convolution, tiles);
        let kernel = ConvWeightGradient { convolution: *convolution, packed, slots, tile };
        case_of(format!("{} slots {slots}", describe(convolution, tiles)), kernel, draw)
    })
}

/// The kernel on numbers whose sums are exact.
pub(super) fn case_of(label: String, kernel: ConvWeightGradient, draw: &mut Draw) -> Case {
    let ConvWeightGradient { convolution, packed, slots, .. } = &kernel;
    let memory = vec![
        draw.eighths(convolution.inputs()),
        draw.eighths(convolution.positions() * convolution.filters),
        places(convolution, *packed, draw),
        unwritten(slots * convolution.weights()),
    ];
    case(label, kernel, memory, 0.0)
}
