//! Gradient of a depthwise convolution's input: host side and CPU reference of `shaders/depthwise_input_gradient.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::depthwise::{Depthwise, add_products, depthwise_examples, zeros};
use super::relu_mask::{self, ReluMask};
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, read_weights, write_activation,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "depthwise_input_gradient",
    about: "gradient of a depthwise convolution's input, through the ReLU and dropout that made it",
    wgsl: shader!("depthwise_input_gradient", "convolution", "relu_mask"),
    bindings: &[
        read_activation("output_gradient"),
        read_weights("weights"),
        read_activation("input"),
        write_activation("input_gradient"),
    ],
    cases,
};

/// input gradient `[batch, H, W, C]` from the output's and the kernel.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseInputGradient {
    pub depthwise: Depthwise,
    /// Of the input.
    pub relu_mask: ReluMask,
}

impl Kernel for DepthwiseInputGradient {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let options = vec![("THREADS", self.threads().into()), ("GRID_WIDTH", self.workgroups()[0].into())];
        [self.depthwise.constants(), relu_mask::constants(self.relu_mask), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [height, _, channels] = self.depthwise.window.input;
        let [x, y] = grid(self.depthwise.batch * height);
        [x, y, channels.div_ceil(self.threads())]
    }

    /// One a channel.
    fn threads(&self) -> usize {
        Depthwise::threads(self.depthwise.window.input[2])
    }

    fn operations(&self) -> usize {
        2 * self.depthwise.outputs() * self.depthwise.taps()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "input" if self.relu_mask.is_none() => 0,
            "weights" => self.depthwise.weights(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let Self { depthwise, relu_mask } = self;
        let kernel = depthwise.taps() * depthwise.filters();
        let masked = if relu_mask.is_some() { depthwise.inputs() } else { 1 };
        vec![depthwise.outputs(), kernel, masked, depthwise.inputs()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [output_gradient, weights, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        // What of the weights is a bias has no part in this.
        let depthwise = Depthwise { bias: false, ..self.depthwise };
        let [inputs, outputs] = [depthwise.inputs(), depthwise.outputs()].map(|all| all / depthwise.batch);
        let repeated = depthwise.repeated(&floats(weights)[..depthwise.weights()]);
        let (weights, input) = (floats(&repeated), floats(input));
        let (period, (runs, next_row)) = (depthwise.period(), depthwise.runs());
        let images = floats_mut(input_gradient)[..depthwise.inputs()].par_chunks_exact_mut(inputs);
        let images = images.zip(floats(output_gradient).par_chunks_exact(outputs)).enumerate();
        images.for_each(|(image, (gradient, output_gradient))| {
            let mut frame = zeros(depthwise.frame_values());
            let frame = floats_mut(&mut frame);
            vectorised(
                #[inline(always)]
                || {
                    let rows = output_gradient.chunks_exact(outputs / depthwise.window.output[0]);
                    for (y, row) in rows.enumerate() {
                        for range in depthwise.ranges() {
                            let (first, gradients) = (y * next_row + range.start, &row[range]);
                            for (run, weights) in runs.iter().zip(weights.chunks_exact(period)) {
                                let sums = &mut frame[*run as usize + first..][..gradients.len()];
                                add_products(sums, gradients, weights);
                            }
                        }
                    }
                    depthwise.gather(frame, gradient);
                },
            );
            relu_mask::apply(self.relu_mask, input, image * inputs, gradient);
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, depthwise): (usize, Depthwise)| {
        let [_, weights, output_gradient] = depthwise.draw(number);
        let relu_mask = [None, Some(1.0), Some(2.0)][number % 3];
        let kernel = DepthwiseInputGradient { depthwise, relu_mask };
        let input = Draw::new(100 + number).eighths(depthwise.inputs());
        let memory = vec![output_gradient, weights, input, unwritten(depthwise.inputs())];
        case(format!("{depthwise:?} ReLU mask {relu_mask:?}"), kernel, memory)
    };
    depthwise_examples().into_iter().enumerate().map(make).collect()
}
