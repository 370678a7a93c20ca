//! Average-pool forward: host side and CPU reference of `shaders/average_pool_forward.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::pool_forward::{THREADS, constants, pools};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write_activation};
use crate::geometry::Window;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "average_pool_forward",
    about: "mean of each window, of what lies in the image",
    wgsl: shader!("average_pool_forward", "pool"),
    bindings: &[read_activation("input"), write_activation("output")],
    cases,
};

/// output `[batch, OH, OW, C]` of input `[batch, H, W, C]`.
#[derive(Clone, Copy, Debug)]
pub struct AveragePoolForward {
    pub batch: usize,
    pub window: Window,
}

impl AveragePoolForward {
    fn outputs(&self) -> usize {
        self.batch * self.window.pooled().values()
    }
}

impl Kernel for AveragePoolForward {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        [constants(self.batch, &self.window), vec![("GRID_WIDTH", self.workgroups()[0].into())]].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.outputs().div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.outputs() * self.window.size.iter().product::<usize>()
    }

    fn words(&self) -> Vec<usize> {
        vec![self.batch * self.window.input.iter().product::<usize>(), self.outputs()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [input, output] = memory else { unreachable!("{BINDINGS}") };
        let (input, window) = (floats(input), self.window);
        let ([.., channels], [output_height, output_width]) = (window.input, window.output);
        let image = window.input.iter().product::<usize>();
        // A task has the positions of one row of one image.
        let rows = floats_mut(output)[..self.outputs()].par_chunks_exact_mut(output_width * channels);
        rows.enumerate().for_each(|(row, output)| {
            let (input, y) = (&input[row / output_height * image..][..image], row % output_height);
            let rows = window.inside(0, y);
            vectorised(
                #[inline(always)]
                || {
                    for (x, means) in output.chunks_exact_mut(channels).enumerate() {
                        let columns = window.inside(1, x);
                        means.fill(0.0);
                        for values in window.lines([y, x], input).flat_map(|line| line.chunks_exact(channels)) {
                            means.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                        }
                        let pixels = (rows.len() * columns.len()) as f32;
                        means.iter_mut().for_each(|mean| *mean /= pixels);
                    }
                },
            );
        });
    }
}

/// Drivers may turn a division into a product with the reciprocal.
pub(super) const OF_DIVISION: Tolerance = Tolerance { relative: 1e-6, absolute: 0.0 };

fn cases() -> Vec<Case> {
    let make = |(number, (batch, window)): (usize, (usize, Window))| {
        let kernel = AveragePoolForward { batch, window };
        let input = Draw::new(number).eighths(batch * window.input.iter().product::<usize>());
        let memory = vec![input, unwritten(kernel.outputs())];
        let tolerances = vec![Tolerance::EXACT, OF_DIVISION];
        Case { tolerances, ..case(format!("batch {batch} {window:?}"), kernel, memory) }
    };
    pools().into_iter().enumerate().map(make).collect()
}
