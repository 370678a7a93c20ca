//! Gradient of a convolution's input: host side and CPU twin of `shaders/conv_input_gradient.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case};
use super::convolution::{Convolution, Tile};
use super::convolution_cases::{TALL, describe, for_each_convolution, packed, places, unreached};
use super::fused_pool::Windows;
use super::gate::{self, Gate};
use super::matrix::{Matrix, Target, multiply, multiply_on_all_cores, transpose};
use super::scratch::Scratch;
use super::{BINDINGS, Constants, Kernel, Row, floats, floats_mut, grid, read, read_words, write};

pub const ROW: Row = Row {
    name: "conv_input_gradient",
    about: "gradient of a convolution's or dense layer's input, through the ReLU and dropout that made it",
    wgsl: include_str!("../../shaders/conv_input_gradient.wgsl"),
    bindings: &[read("output_gradient"), read_words("argmax"), read("weights"), read("input"), write("input_gradient")],
    cases,
};

/// input gradient `[batch, H, W, C]` from the output's gradient and the kernel.
#[derive(Clone, Copy, Debug)]
pub struct ConvInputGradient {
    pub convolution: Convolution,
    /// As [`super::ConvForward::packed`].
    pub packed: usize,
    /// Of the input.
    pub gate: Gate,
    pub tile: Tile,
}

impl ConvInputGradient {
    fn column_blocks(&self) -> usize {
        self.convolution.window.input[2].div_ceil(self.tile.workgroup_columns())
    }
}

impl Kernel for ConvInputGradient {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        let options = vec![
            ("PACKED", self.packed.into()),
            ("COLUMN_BLOCKS", self.column_blocks().into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [self.convolution.constants(), self.tile.constants(), gate::constants(self.gate), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let window = &self.convolution.window;
        let reached = self.convolution.reached();
        let phase: usize = (0..2).map(|axis| reached[axis].div_ceil(window.stride[axis])).product();
        let [x, y] = grid((self.convolution.batch * phase).div_ceil(self.tile.workgroup_rows()));
        [x, y, self.column_blocks() * window.stride[0] * window.stride[1]]
    }

    fn operations(&self) -> usize {
        2 * self.convolution.positions() * self.convolution.depth() * self.convolution.filters
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "output_gradient" => self.convolution.positions() * self.convolution.filters,
            "argmax" if self.convolution.pool == 1 => 0,
            "argmax" => self.convolution.positions().div_ceil(self.packed) * self.convolution.filters,
            "weights" => self.convolution.weights(),
            "input" if self.gate.is_none() => 0,
            "input" | "input_gradient" => self.convolution.inputs(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let Self { convolution, packed, gate, .. } = self;
        let (inputs, outputs) = (convolution.inputs(), convolution.positions() * convolution.filters);
        // The bias is not read; without a gate nor is the input.
        let kernel = convolution.depth() * convolution.filters;
        vec![outputs, convolution.argmax_words(*packed), kernel, if gate.is_some() { inputs } else { 1 }, inputs]
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [gradient, argmax, weights, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        let (gradient, weights, input) = (floats(gradient), floats(weights), floats(input));
        let Self { convolution, packed, gate, .. } = self;
        let Convolution { batch, filters, .. } = *convolution;
        let depth = convolution.depth();
        let input_gradient = &mut floats_mut(input_gradient)[..convolution.inputs()];
        let mut kernel = Scratch::new(depth * filters);
        transpose(weights, filters, floats_mut(&mut kernel));
        let kernel = floats(&kernel);
        if convolution.is_dense() {
            let left = Matrix::new(gradient, batch, filters);
            multiply_on_all_cores(input_gradient, left, kernel, depth, |first, rows| {
                gate::apply(*gate, input, first * depth, rows);
            });
            return;
        }
        let (values, positions) = (convolution.inputs() / batch, convolution.positions() / batch);
        let images = (512 / (positions * convolution.places())).max(1);
        input_gradient.par_chunks_mut(images * values).enumerate().for_each(|(block, input_gradient)| {
            let first_image = block * images;
            let last_image = first_image + input_gradient.len() / values;
            let positions = first_image * positions..last_image * positions;
            let rows = positions.start * convolution.places()..positions.end * convolution.places();
            let mut unpooled;
            let right = if convolution.pool > 1 {
                unpooled = Scratch::new(rows.len() * filters);
                Windows::new(convolution, *packed).unpool(gradient, argmax, positions, floats_mut(&mut unpooled));
                floats(&unpooled)
            } else {
                &gradient[positions.start * filters..positions.end * filters]
            };
            let mut patches = Scratch::new(rows.len() * depth);
            let patches = floats_mut(&mut patches);
            multiply(patches, Target::Overwrite, Matrix::new(right, rows.len(), filters), 0, kernel, depth);
            input_gradient.fill(0.0);
            convolution.scatter_patches(patches, rows, first_image, input_gradient);
            gate::apply(*gate, input, first_image * values, input_gradient);
        });
    }
}

fn cases() -> Vec<Case> {
    for_each_convolution(Convolution::dense(TALL, 1, 2), |convolution, tiles, draw| {
        let packed = packed(convolution, tiles);
        let gate = [None, Some(1.0), Some(4.0 / 3.0)][convolution.filters % 3];
        let tile = tiles.input_gradient(convolution);
        let kernel = ConvInputGradient { convolution: *convolution, packed, gate, tile };
        case_of(format!("{} gate {gate:?}", describe(convolution, tiles)), kernel, draw)
    })
}

/// The kernel on numbers whose sums are exact.
pub(super) fn case_of(label: String, kernel: ConvInputGradient, draw: &mut Draw) -> Case {
    let ConvInputGradient { convolution, packed, gate, .. } = &kernel;
    let memory = vec![
        draw.eighths(convolution.positions() * convolution.filters),
        places(convolution, *packed, draw),
        draw.eighths(convolution.weights()),
        // Without a gate, any buffer is bound.
        draw.eighths(if gate.is_some() { convolution.inputs() } else { 1 }),
        unreached(convolution),
    ];
    case(label, kernel, memory)
}
