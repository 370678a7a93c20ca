//! A factor and an offset: host side and CPU reference of `shaders/rescale.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::relu_mask::{self, ReluMask};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write_activation};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "rescale",
    about: "multiplies values, or gradients of them, by a factor and adds an offset",
    wgsl: shader!("rescale", "relu_mask"),
    bindings: &[read_activation("source"), read_activation("input"), write_activation("rescaled")],
    cases,
};

/// rescaled `[values]` = source `[values]` * factor + offset.
#[derive(Clone, Copy, Debug)]
pub struct Rescale {
    pub values: usize,
    pub factor: f32,
    pub offset: f32,
    /// Of the input, where the source is the gradient of what was made of it.
    pub relu_mask: ReluMask,
}

const THREADS: usize = 64;

impl Kernel for Rescale {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let own = vec![
            ("VALUES", self.values.into()),
            ("FACTOR", self.factor.into()),
            ("OFFSET", self.offset.into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [own, relu_mask::constants(self.relu_mask)].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.values.div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        2 * self.values
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "input" if self.relu_mask.is_none() => 0,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![self.values, if self.relu_mask.is_some() { self.values } else { 1 }, self.values]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [source, input, rescaled] = memory else { unreachable!("{BINDINGS}") };
        let (source, input) = (floats(source), floats(input));
        let Self { values, factor, offset, relu_mask } = *self;
        const BLOCK: usize = 16_384;
        let blocks = floats_mut(rescaled)[..values].par_chunks_mut(BLOCK).zip(source.par_chunks(BLOCK)).enumerate();
        blocks.for_each(|(block, (rescaled, source))| {
            vectorised(
                #[inline(always)]
                || rescaled.iter_mut().zip(source).for_each(|(rescaled, value)| *rescaled = value * factor + offset),
            );
            relu_mask::apply(relu_mask, input, block * BLOCK, rescaled);
        });
    }
}

/// A product and a sum may be rounded once or twice, and may cancel.
pub(super) const OF_PRODUCT_AND_SUM: Tolerance = Tolerance { relative: 1e-6, absolute: 1e-6 };

fn cases() -> Vec<Case> {
    let make = |(number, (values, factor, offset, relu_mask)): (usize, (usize, f32, f32, ReluMask))| {
        let draw = &mut Draw::new(number);
        let memory = vec![draw.numbers(values, 3.0), draw.eighths(values), unwritten(values)];
        let label = format!("{values} values * {factor} + {offset}, ReLU mask {relu_mask:?}");
        let tolerances = vec![Tolerance::EXACT, Tolerance::EXACT, OF_PRODUCT_AND_SUM];
        Case { tolerances, ..case(label, Rescale { values, factor, offset, relu_mask }, memory) }
    };
    let cases = [
        (1000, 2.8329, -0.8102, None),
        (64, -0.5, 0.0, Some(1.0)),
        (1, 3.0, 1.0, None),
        (999, 1.5, 0.0, Some(2.0)),
        (64 * 32_769, 0.25, 1.0, None),
    ];
    cases.into_iter().enumerate().map(make).collect()
}
