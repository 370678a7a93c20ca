//! Average-pool backward: host side and CPU reference of `shaders/average_pool_backward.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::pool_forward::{THREADS, constants, pools};
use super::relu_mask::{self, ReluMask};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write_activation};
use crate::geometry::Window;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "average_pool_backward",
    about: "gradient of an average-pool's input, through the ReLU and dropout that made it",
    wgsl: shader!("average_pool_backward", "pool", "relu_mask"),
    bindings: &[read_activation("output_gradient"), read_activation("input"), write_activation("input_gradient")],
    cases,
};

/// input gradient `[batch, H, W, C]` of an average-pool.
#[derive(Clone, Copy, Debug)]
pub struct AveragePoolBackward {
    pub batch: usize,
    pub window: Window,
    /// Of the input.
    pub relu_mask: ReluMask,
}

impl AveragePoolBackward {
    fn inputs(&self) -> usize {
        self.batch * self.window.input.iter().product::<usize>()
    }

    fn outputs(&self) -> usize {
        self.batch * self.window.pooled().values()
    }
}

impl Kernel for AveragePoolBackward {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let options = vec![("GRID_WIDTH", self.workgroups()[0].into())];
        [constants(self.batch, &self.window), relu_mask::constants(self.relu_mask), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.inputs().div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        2 * self.outputs() * self.window.size.iter().product::<usize>()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "input" if self.relu_mask.is_none() => 0,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let masked = if self.relu_mask.is_some() { self.inputs() } else { 1 };
        vec![self.outputs(), masked, self.inputs()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [output_gradient, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        let (output_gradient, input, window) = (floats(output_gradient), floats(input), self.window);
        let ([height, width, channels], [output_height, output_width]) = (window.input, window.output);
        let (inputs, outputs) = (height * width * channels, output_height * output_width * channels);
        let images = floats_mut(input_gradient)[..self.inputs()].par_chunks_exact_mut(inputs);
        images.enumerate().for_each(|(image, gradient)| {
            gradient.fill(0.0);
            let positions = output_gradient[image * outputs..][..outputs].chunks_exact(channels).enumerate();
            vectorised(
                #[inline(always)]
                || {
                    for (position, sources) in positions.clone() {
                        let at = [position / output_width, position % output_width];
                        let (rows, columns) = (window.inside(0, at[0]), window.inside(1, at[1]));
                        let pixels = (rows.len() * columns.len()) as f32;
                        for first in rows.filter_map(|y| window.pixel(at, [y, columns.start])) {
                            let line = &mut gradient[first * channels..][..columns.len() * channels];
                            for sums in line.chunks_exact_mut(channels) {
                                sums.iter_mut().zip(sources).for_each(|(sum, source)| *sum += source / pixels);
                            }
                        }
                    }
                },
            );
            relu_mask::apply(self.relu_mask, input, image * inputs, gradient);
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, window)): (usize, (usize, Window))| {
        let draw = &mut Draw::new(number);
        let relu_mask = [None, Some(1.0), Some(2.0)][number % 3];
        let kernel = AveragePoolBackward { batch, window, relu_mask };
        let memory = vec![draw.eighths(kernel.outputs()), draw.eighths(kernel.inputs()), unwritten(kernel.inputs())];
        // Parts that are rounded may cancel.
        let sum = Tolerance { relative: 1e-6, absolute: 1e-6 };
        let tolerances = vec![Tolerance::EXACT, Tolerance::EXACT, sum];
        Case { tolerances, ..case(format!("batch {batch} {window:?} ReLU mask {relu_mask:?}"), kernel, memory) }
    };
    pools().into_iter().enumerate().map(make).collect()
}
