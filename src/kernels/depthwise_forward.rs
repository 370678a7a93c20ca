//! Depthwise convolution, forward: host side and CPU reference of `shaders/depthwise_forward.wgsl`.

use rayon::prelude::*;

use super::case::{Case, case, unwritten};
use super::depthwise::{Depthwise, add_products, depthwise_examples, zeros};
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, read_weights, write_activation,
};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "depthwise_forward",
    about: "convolution of each channel by itself, with bias and ReLU",
    wgsl: shader!("depthwise_forward", "convolution"),
    bindings: &[read_activation("input"), read_weights("weights"), write_activation("output")],
    cases,
};

/// output `[batch, OH, OW, C*M]` of input `[batch, H, W, C]` and weights `[KH, KW, C, M]`, behind them perhaps a bias `[C*M]`.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseForward {
    pub depthwise: Depthwise,
    pub relu: bool,
}

impl Kernel for DepthwiseForward {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let options = vec![
            ("BIAS", self.depthwise.bias.into()),
            ("RELU", self.relu.into()),
            ("THREADS", self.threads().into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [self.depthwise.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.depthwise.batch * self.depthwise.window.output[0]);
        [x, y, self.depthwise.filters().div_ceil(self.threads())]
    }

    /// One a channel.
    fn threads(&self) -> usize {
        Depthwise::threads(self.depthwise.filters())
    }

    fn operations(&self) -> usize {
        2 * self.depthwise.outputs() * self.depthwise.taps()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        if binding == "weights" { self.depthwise.weights() } else { words }
    }

    fn words(&self) -> Vec<usize> {
        vec![self.depthwise.inputs(), self.depthwise.weights(), self.depthwise.outputs()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [input, weights, output] = memory else { unreachable!("{BINDINGS}") };
        let Self { depthwise, relu } = *self;
        let [inputs, outputs] = [depthwise.inputs(), depthwise.outputs()].map(|all| all / depthwise.batch);
        let repeated = depthwise.repeated(&floats(weights)[..depthwise.weights()]);
        let weights = floats(&repeated);
        let (period, (runs, next_row)) = (depthwise.period(), depthwise.runs());
        let images = floats_mut(output)[..depthwise.outputs()].par_chunks_exact_mut(outputs);
        images.zip(floats(input).par_chunks_exact(inputs)).for_each(|(output, image)| {
            let mut frame = zeros(depthwise.frame_values());
            let frame = floats_mut(&mut frame);
            let bias = depthwise.bias.then(|| &weights[depthwise.taps() * period..]);
            vectorised(
                #[inline(always)]
                || {
                    depthwise.fill(image, frame);
                    let rows = output.chunks_exact_mut(outputs / depthwise.window.output[0]);
                    for (y, row) in rows.enumerate() {
                        for range in depthwise.ranges() {
                            let (first, sums) = (y * next_row + range.start, &mut row[range]);
                            match bias {
                                Some(bias) => sums.copy_from_slice(&bias[..sums.len()]),
                                None => sums.fill(0.0),
                            }
                            for (run, weights) in runs.iter().zip(weights.chunks_exact(period)) {
                                add_products(sums, &frame[*run as usize + first..], weights);
                            }
                            if relu {
                                sums.iter_mut().for_each(|value| *value = value.max(0.0));
                            }
                        }
                    }
                },
            );
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, depthwise): (usize, Depthwise)| {
        let [input, weights, _] = depthwise.draw(number);
        let kernel = DepthwiseForward { depthwise, relu: number % 2 == 1 };
        let memory = vec![input, weights, unwritten(depthwise.outputs())];
        case(format!("{depthwise:?} ReLU {}", kernel.relu), kernel, memory)
    };
    depthwise_examples().into_iter().enumerate().map(make).collect()
}
