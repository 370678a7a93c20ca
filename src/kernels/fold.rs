//! Adds overlapping patches up into their images: host side and CPU twin of `shaders/fold.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution::Convolution;
use super::convolution_cases::{convolutions, describe};
use super::gate::{self, Gate};
use super::tiles::Tiles;
use super::{BINDING_ALIGNMENT, BINDINGS, Constants, Kernel, Row, floats, floats_mut, grid, read, write};
use crate::geometry::Window;

pub const ROW: Row = Row {
    name: "fold",
    about: "adds up the gradients of overlapping patches, through the ReLU and dropout that made the input",
    wgsl: include_str!("../../shaders/fold.wgsl"),
    bindings: &[read("patches"), read("input"), write("input_gradient")],
    cases,
};

/// input gradient `[batch, H, W, C]` from the gradient of every patch, `[batch, PH, PW, depth]`, where PH x PW are the
/// positions that a pool leaves in.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    pub convolution: Convolution,
    /// Of the input.
    pub gate: Gate,
}

/// Words of patches that stay in a processor's cache between the product that makes them and the fold.
const CACHED: usize = 1 << 20;

impl Fold {
    /// Images whose patches are made and folded at a time: a part of the batch that fits the cache, and that the buffers
    /// can be bound from; else the whole batch. `packed`: pooled positions in a word of argmax.
    pub fn group(convolution: &Convolution, packed: usize) -> usize {
        let patches = Self::patches(convolution).inputs() / convolution.batch;
        let fits = |images: &usize| {
            let group = Convolution { batch: *images, ..*convolution };
            let outputs = group.positions() * group.filters;
            convolution.batch.is_multiple_of(*images)
                && group.positions().is_multiple_of(packed)
                && [outputs, outputs / packed, group.inputs()]
                    .iter()
                    .all(|words| words.is_multiple_of(BINDING_ALIGNMENT))
        };
        let most = (CACHED / patches).min(convolution.batch);
        (1..=most).rev().find(fits).unwrap_or(convolution.batch)
    }

    /// The product that makes the patches: a 1 x 1 convolution whose input channels are the kernel's taps and channels,
    /// so that its input gradient is the gradient of every patch.
    pub fn patches(convolution: &Convolution) -> Convolution {
        let [height, width] = convolution.pooled().map(|extent| extent * convolution.pool);
        let window = Window {
            size: [1, 1],
            stride: [1, 1],
            pad: [0, 0],
            input: [height, width, convolution.depth()],
            output: [height, width],
        };
        Convolution { window, ..*convolution }
    }
}

impl Kernel for Fold {
    fn row(&self) -> &'static Row {
        &ROW
    }

    fn constants(&self) -> Constants {
        let options = vec![("THREADS", self.threads().into()), ("GRID_WIDTH", self.workgroups()[0].into())];
        [self.convolution.geometry(), gate::constants(self.gate), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [height, _, channels] = self.convolution.window.input;
        let [x, y] = grid(self.convolution.batch * height);
        [x, y, channels.div_ceil(self.threads())]
    }

    /// One a channel.
    fn threads(&self) -> usize {
        self.convolution.window.input[2].next_multiple_of(8).min(64)
    }

    fn operations(&self) -> usize {
        Self::patches(&self.convolution).inputs()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "input" if self.gate.is_none() => 0,
            "input" | "input_gradient" => self.convolution.inputs(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let inputs = self.convolution.inputs();
        vec![Self::patches(&self.convolution).inputs(), if self.gate.is_some() { inputs } else { 1 }, inputs]
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        let [patches, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        let (patches, input) = (floats(patches), floats(input));
        // Without a pool, rows are positions in row-major order, as the patches are.
        let [height, width, depth] = Self::patches(&self.convolution).window.input;
        let window = Window { output: [height, width], ..self.convolution.window };
        let unpooled = Convolution { window, pool: 1, ..self.convolution };
        let values = self.convolution.inputs() / self.convolution.batch;
        let images = floats_mut(input_gradient)[..self.convolution.inputs()].par_chunks_exact_mut(values);
        images.enumerate().for_each(|(image, gradient)| {
            let rows = image * height * width..(image + 1) * height * width;
            gradient.fill(0.0);
            unpooled.scatter_patches(&patches[rows.start * depth..rows.end * depth], rows, image, gradient);
            gate::apply(self.gate, input, image * values, gradient);
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, convolution): (usize, &Convolution)| {
        let draw = &mut Draw::new(number);
        let gate = [None, Some(1.0), Some(4.0 / 3.0)][number % 3];
        let memory = vec![
            draw.eighths(Fold::patches(convolution).inputs()),
            draw.eighths(convolution.inputs()),
            unwritten(convolution.inputs()),
        ];
        case(describe(convolution, Tiles::Software), Fold { convolution: *convolution, gate }, memory)
    };
    convolutions().iter().enumerate().map(make).collect()
}
