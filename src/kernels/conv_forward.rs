//! Convolution forward with bias, ReLU and max-pool: host side and CPU twin of `shaders/conv_forward.wgsl`.

use std::ops::Range;

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution::{Convolution, Patches, Tile};
use super::convolution_cases::{TALL, describe, for_each_convolution, window};
use super::fused_pool::Windows;
use super::join::Join;
use super::matrix::{Matrix, Target, multiply, multiply_on_all_cores};
use super::scratch::Scratch;
use super::tiles::Tiles;
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Kernel, Row, floats, floats_mut, grid, read, write, write_words};
use crate::geometry::Padding;

pub const ROW: Row = Row {
    name: "conv_forward",
    about: "convolution or dense forward, with bias, ReLU and max-pool",
    wgsl: include_str!("../../shaders/conv_forward.wgsl"),
    bindings: &[read("input"), read("weights"), write("output"), write_words("argmax")],
    cases,
};

/// output `[batch, OH, OW, filters]` = max_pool(relu(input `[batch, H, W, C]` * kernel + bias)). With more slots than one it
/// is `[slots, batch, OH, OW, filters]`: input * kernel alone, each slot over its own run of the depth, for [`Join`].
#[derive(Clone, Copy, Debug)]
pub struct ConvForward {
    pub convolution: Convolution,
    pub relu: bool,
    pub tile: Tile,
    /// More than 1 only where there is no pool.
    pub slots: usize,
}

impl ConvForward {
    /// Pooled positions in one word of `argmax`: as many as one thread has.
    pub fn packed(&self) -> usize {
        self.tile.rows / self.convolution.places()
    }

    /// Words of `argmax`.
    pub fn argmax_words(&self) -> usize {
        self.convolution.argmax_words(self.packed())
    }

    /// Words of all slots.
    pub fn output_words(&self) -> usize {
        self.slots.saturating_mul(self.convolution.positions() * self.convolution.filters)
    }

    /// What has to follow where there are slots.
    pub fn join(&self) -> Option<Join> {
        let Self { convolution, relu, slots, .. } = *self;
        let (rows, depth, filters) = (convolution.positions(), convolution.depth(), convolution.filters);
        (slots > 1).then_some(Join { rows, depth, filters, slots, relu })
    }

    fn slot_depth(&self) -> usize {
        self.tile.slot_depth(self.convolution.depth(), self.slots)
    }

    fn column_blocks(&self) -> usize {
        self.convolution.filters.div_ceil(self.tile.workgroup_columns())
    }

    /// Bias and ReLU of rows `[rows, filters]`, in place; nothing where there are slots.
    fn activate(&self, rows: &mut [f32], bias: &[f32]) {
        if self.slots > 1 {
            return;
        }
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

    /// The products of a run of the depth, with all that follows where it is the whole depth.
    fn slot(&self, run: Range<usize>, [input, weights]: [&[f32]; 2], output: &mut [f32], argmax: &mut [u32]) {
        let (depth, filters, places) = (self.convolution.depth(), self.convolution.filters, self.convolution.places());
        let (kernel, bias) = weights[..self.convolution.weights()].split_at(depth * filters);
        let kernel = &kernel[run.start * filters..run.end * filters];
        if self.convolution.is_dense() {
            let left = Matrix::new(input, self.convolution.batch, depth).of_columns(run);
            multiply_on_all_cores(output, left, kernel, filters, |_, rows| self.activate(rows, bias));
            return;
        }
        // Blocks of positions whose products stay in the cache; whole words of argmax each.
        let positions = (512 / places).next_multiple_of(self.packed());
        let block = |number: usize, output: &mut [f32], argmax: &mut [u32]| {
            let first = number * positions * places;
            let rows = first..first + output.len() / filters * places;
            let patches = Patches::new(&self.convolution, input, rows.clone());
            let left = patches.matrix().of_columns(run.clone());
            if places == 1 {
                multiply(output, Target::Overwrite, left, 0, kernel, filters);
            } else {
                let mut products = Scratch::new(rows.len() * filters);
                let products = floats_mut(&mut products);
                multiply(products, Target::Overwrite, left, 0, kernel, filters);
                Windows::new(&self.convolution, self.packed()).pool(products, output, argmax);
            }
            self.activate(output, bias);
        };
        let outputs = output.par_chunks_mut(positions * filters).enumerate();
        if places == 1 {
            outputs.for_each(|(number, output)| block(number, output, &mut []));
        } else {
            let words = argmax.par_chunks_mut(positions / self.packed() * filters);
            outputs.zip(words).for_each(|((number, output), argmax)| block(number, output, argmax));
        }
    }
}

impl Kernel for ConvForward {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        let options = vec![
            ("RELU", (self.relu && self.slots == 1).into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
            ("SLOTS", self.slots.into()),
            ("SLOT_DEPTH", self.slot_depth().into()),
            ("COLUMN_BLOCKS", self.column_blocks().into()),
        ];
        [self.convolution.constants(), self.tile.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.convolution.rows().div_ceil(self.tile.workgroup_rows()));
        [x, y, self.column_blocks() * self.slots]
    }

    fn operations(&self) -> usize {
        2 * self.convolution.rows() * self.convolution.depth() * self.convolution.filters
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "weights" => self.convolution.weights(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![self.convolution.inputs(), self.convolution.weights(), self.output_words(), self.argmax_words()]
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [input, weights, output, argmax] = memory else { unreachable!("{BINDINGS}") };
        let (input, weights, output) = (floats(input), floats(weights), floats_mut(output));
        let (depth, step) = (self.convolution.depth(), self.slot_depth());
        let words = self.convolution.positions() * self.convolution.filters;
        for (slot, output) in output.chunks_exact_mut(words).take(self.slots).enumerate() {
            self.slot(slot * step..depth.min((slot + 1) * step), [input, weights], output, argmax);
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = for_each_convolution(Convolution::dense(TALL, 1, 2), |convolution, tiles, draw| {
        let relu = convolution.filters % 2 == 0;
        let kernel = ConvForward { convolution: *convolution, relu, tile: tiles.forward(convolution), slots: 1 };
        case_of(describe(convolution, tiles), kernel, draw)
    });
    cases.extend(in_slots().into_iter().enumerate().map(|(number, (convolution, slots))| {
        let kernel = ConvForward { convolution, relu: true, tile: Tiles::Gpu.forward(&convolution), slots };
        let label = format!("{} slots {slots}", describe(&convolution, Tiles::Gpu));
        Case { tiles: Some(Tiles::Gpu), ..case_of(label, kernel, &mut Draw::new(1000 + number)) }
    }));
    cases
}

/// Products in more slots than the table would give: equal ones, and a last one with fewer tiles, or with a part of one.
fn in_slots() -> Vec<(Convolution, usize)> {
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
        draw.eighths(convolution.weights()),
        unwritten(kernel.output_words()),
        if convolution.pool == 1 { vec![0] } else { unwritten(kernel.argmax_words()) },
    ];
    case(label, kernel, memory)
}
