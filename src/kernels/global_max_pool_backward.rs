//! Backward through a max-pool over the whole image: host side and CPU reference of `shaders/global_max_pool_backward.wgsl`.

use rayon::prelude::*;

use super::average_pool_forward::OF_DIVISION;
use super::case::{Case, Draw, Tolerance, case, unwritten};
use super::relu_mask::{self, ReluMask};
use super::scratch::Scratch;
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write_activation};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "global_max_pool_backward",
    about: "gradient of a global max-pool's input, which equal largest values share",
    wgsl: shader!("global_max_pool_backward", "relu_mask"),
    bindings: &[read_activation("output_gradient"), read_activation("input"), write_activation("input_gradient")],
    cases,
};

/// input gradient `[batch, pixels, channels]` from the output's, `[batch, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct GlobalMaxPoolBackward {
    pub batch: usize,
    /// Of an image: H*W.
    pub pixels: usize,
    pub channels: usize,
    /// Of the input.
    pub relu_mask: ReluMask,
}

const THREADS: usize = 64;

impl GlobalMaxPoolBackward {
    fn inputs(&self) -> usize {
        self.batch * self.pixels * self.channels
    }
}

impl Kernel for GlobalMaxPoolBackward {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let shape = vec![
            ("BATCH", self.batch.into()),
            ("PIXELS", self.pixels.into()),
            ("CHANNELS", self.channels.into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [shape, relu_mask::constants(self.relu_mask)].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid((self.batch * self.channels).div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.batch * self.channels
    }

    fn words(&self) -> Vec<usize> {
        vec![self.batch * self.channels, self.inputs(), self.inputs()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [output_gradient, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        let (output_gradient, input) = (floats(output_gradient), floats(input));
        let Self { pixels, channels, relu_mask, .. } = *self;
        let images = floats_mut(input_gradient)[..self.inputs()].par_chunks_exact_mut(pixels * channels);
        let images = images.zip(input.par_chunks_exact(pixels * channels));
        images.zip(output_gradient.par_chunks_exact(channels)).for_each(|((gradient, input), output_gradient)| {
            let mut scratch = Scratch::new(2 * channels);
            let (largest, shares) = floats_mut(&mut scratch).split_at_mut(channels);
            vectorised(
                #[inline(always)]
                || {
                    largest.copy_from_slice(&input[..channels]);
                    for values in input.chunks_exact(channels) {
                        let pairs = largest.iter_mut().zip(values);
                        pairs.for_each(|(largest, &value)| *largest = if value > *largest { value } else { *largest });
                    }
                    shares.fill(0.0);
                    for values in input.chunks_exact(channels) {
                        let equal = values.iter().zip(&*largest);
                        let equal = equal.map(|(value, largest)| if value == largest { 1.0 } else { 0.0 });
                        shares.iter_mut().zip(equal).for_each(|(count, equal)| *count += equal);
                    }
                    shares.iter_mut().zip(output_gradient).for_each(|(share, gradient)| *share = gradient / *share);
                    for (gradient, values) in gradient.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
                        for (((gradient, value), largest), share) in
                            gradient.iter_mut().zip(values).zip(&*largest).zip(&*shares)
                        {
                            *gradient = if value == largest { *share } else { 0.0 };
                        }
                    }
                },
            );
            relu_mask::apply(relu_mask, input, 0, gradient);
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, pixels, channels)): (usize, (usize, usize, usize))| {
        let draw = &mut Draw::new(number);
        let relu_mask = [None, Some(1.0), Some(2.0)][number % 3];
        let kernel = GlobalMaxPoolBackward { batch, pixels, channels, relu_mask };
        // Seventeen different values, so that many are equal; in some channels none is positive.
        let mut input = draw.eighths(kernel.inputs());
        for (at, word) in input.iter_mut().enumerate().filter(|(at, _)| at % channels % 3 == 1) {
            *word = (f32::from_bits(*word) - (at % channels % 2) as f32 - 1.0).to_bits();
        }
        let memory = vec![draw.eighths(batch * channels), input, unwritten(kernel.inputs())];
        let label = format!("{batch} x {pixels} x {channels} ReLU mask {relu_mask:?}");
        Case { tolerances: vec![Tolerance::EXACT, Tolerance::EXACT, OF_DIVISION], ..case(label, kernel, memory) }
    };
    [(2, 36, 3), (3, 49, 17), (1, 1, 65), (5, 64, 70), (130, 4, 2), (64, 2, 32_769)]
        .into_iter()
        .enumerate()
        .map(make)
        .collect()
}
