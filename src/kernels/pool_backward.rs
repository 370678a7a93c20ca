//! Max-pool backward: host side and CPU reference of `shaders/pool_backward.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::pool_forward::{THREADS, constants, pools};
use super::relu_mask::{self, ReluMask};
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, read_words, write_activation,
};
use crate::geometry::Window;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "pool_backward",
    about: "gradient of a max-pool's input, through the ReLU and dropout that made it",
    wgsl: shader!("pool_backward", "pool", "relu_mask"),
    bindings: &[
        read_activation("output_gradient"),
        read_words("argmax"),
        read_activation("input"),
        write_activation("input_gradient"),
    ],
    cases,
};

/// input gradient `[batch, H, W, C]` of a max-pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolBackward {
    pub batch: usize,
    pub window: Window,
    /// Of the input.
    pub relu_mask: ReluMask,
}

impl Kernel for PoolBackward {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let options = vec![("GRID_WIDTH", self.workgroups()[0].into())];
        [constants(self.batch, &self.window), relu_mask::constants(self.relu_mask), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid((self.batch * self.window.input.iter().product::<usize>()).div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.batch * self.window.output.iter().product::<usize>() * self.window.input[2]
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "input" if self.relu_mask.is_none() => 0,
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let Window { input, output: [height, width], .. } = self.window;
        let outputs = self.batch * height * width * input[2];
        let inputs = self.batch * input.iter().product::<usize>();
        vec![outputs, outputs, if self.relu_mask.is_some() { inputs } else { 1 }, inputs]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [output_gradient, argmax, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        let (output_gradient, input, window) = (floats(output_gradient), floats(input), self.window);
        let ([height, width, channels], [output_height, output_width]) = (window.input, window.output);
        let (inputs, outputs) = (height * width * channels, output_height * output_width * channels);
        let images = floats_mut(input_gradient)[..self.batch * inputs].par_chunks_exact_mut(inputs);
        images.enumerate().for_each(|(image, gradient)| {
            gradient.fill(0.0);
            let outputs = image * outputs..(image + 1) * outputs;
            let positions = output_gradient[outputs.clone()].chunks_exact(channels);
            let positions = positions.zip(argmax[outputs].chunks_exact(channels)).enumerate();
            vectorised(
                #[inline(always)]
                || {
                    for (position, (sources, winners)) in positions.clone() {
                        let at = [position / output_width, position % output_width];
                        let columns = window.inside(1, at[1]);
                        for y in window.inside(0, at[0]) {
                            let first = window.pixel(at, [y, columns.start]).unwrap_or_default();
                            let line = &mut gradient[first * channels..][..columns.len() * channels];
                            for (x, sums) in columns.clone().zip(line.chunks_exact_mut(channels)) {
                                let element = (y * window.size[1] + x) as u32;
                                for ((sum, source), winner) in sums.iter_mut().zip(sources).zip(winners) {
                                    *sum += if *winner == element { *source } else { 0.0 };
                                }
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
        let outputs = batch * window.output[0] * window.output[1] * window.input[2];
        let inputs = batch * window.input.iter().product::<usize>();
        let relu_mask = [None, Some(1.0), Some(2.0)][number % 3];
        let memory = vec![
            draw.eighths(outputs),
            draw.below(outputs, (window.size[0] * window.size[1]) as u32),
            draw.eighths(inputs),
            unwritten(inputs),
        ];
        case(
            format!("batch {batch} {window:?} ReLU mask {relu_mask:?}"),
            PoolBackward { batch, window, relu_mask },
            memory,
        )
    };
    pools().into_iter().enumerate().map(make).collect()
}
