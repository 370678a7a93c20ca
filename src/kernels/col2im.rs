//! Adds overlapping patches up into their images: host side and CPU reference of `shaders/col2im.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::convolution_cases::describe;
use super::relu_mask::{self, ReluMask};
use super::{
    BINDING_ALIGNMENT, BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read, read_activation,
    write_activation,
};
use crate::gemm::examples::convolutions;
use crate::gemm::{ArgmaxWord, Convolution, DeviceClass};
use crate::geometry::Window;
use crate::precision::Precision;

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "col2im",
    about: "adds up the gradients of overlapping patches, through the ReLU and dropout that made the input",
    wgsl: shader!("col2im", "convolution", "relu_mask"),
    bindings: &[read("patches"), read_activation("input"), write_activation("input_gradient")],
    cases,
};

/// input gradient `[batch, H, W, C]` from the gradient of every patch, `[batch, PH, PW, depth]`, where PH x PW are the
/// positions that a pool leaves in.
#[derive(Clone, Copy, Debug)]
pub struct Col2im {
    pub convolution: Convolution,
    /// Of the input.
    pub relu_mask: ReluMask,
}

/// Words of patches that stay in a processor's cache between the product that makes them and `col2im`.
const CACHED: usize = 1 << 20;

impl Col2im {
    /// Images whose patches are made and added up at a time: a part of the batch that fits the cache, and that the buffers
    /// can be bound from; else the whole batch. `word`: of argmax; `precision`: of input and output.
    pub fn group(convolution: &Convolution, word: ArgmaxWord, precision: Precision) -> usize {
        let alignment = BINDING_ALIGNMENT * 4 / precision.bytes();
        let patches = convolution.patches().inputs() / convolution.batch;
        let fits = |images: &usize| {
            let group = Convolution { batch: *images, ..*convolution };
            let outputs = group.positions() * group.filters;
            convolution.batch.is_multiple_of(*images)
                && group.positions().is_multiple_of(word.positions)
                && word.words_of(group.positions(), group.filters).is_multiple_of(BINDING_ALIGNMENT)
                && [outputs, group.inputs()].iter().all(|numbers| numbers.is_multiple_of(alignment))
        };
        let most = (CACHED / patches).min(convolution.batch);
        (1..=most).rev().find(fits).unwrap_or(convolution.batch)
    }
}

impl Kernel for Col2im {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let options = vec![("THREADS", self.threads().into()), ("GRID_WIDTH", self.workgroups()[0].into())];
        [self.convolution.geometry(), relu_mask::constants(self.relu_mask), options].concat()
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
        self.convolution.patches().inputs()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "input" if self.relu_mask.is_none() => 0,
            "input" | "input_gradient" => self.convolution.inputs(),
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        let inputs = self.convolution.inputs();
        vec![self.convolution.patches().inputs(), if self.relu_mask.is_some() { inputs } else { 1 }, inputs]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [patches, input, input_gradient] = memory else { unreachable!("{BINDINGS}") };
        let (patches, input) = (floats(patches), floats(input));
        // Without a pool, rows are positions in row-major order, as the patches are.
        let [height, width, depth] = self.convolution.patches().window.input;
        let window = Window { output: [height, width], ..self.convolution.window };
        let unpooled = Convolution { window, pool: 1, ..self.convolution };
        let values = self.convolution.inputs() / self.convolution.batch;
        let images = floats_mut(input_gradient)[..self.convolution.inputs()].par_chunks_exact_mut(values);
        images.enumerate().for_each(|(image, gradient)| {
            let rows = image * height * width..(image + 1) * height * width;
            gradient.fill(0.0);
            unpooled.scatter_patches(&patches[rows.start * depth..rows.end * depth], rows, image, gradient);
            relu_mask::apply(self.relu_mask, input, image * values, gradient);
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, convolution): (usize, &Convolution)| {
        let draw = &mut Draw::new(number);
        let relu_mask = [None, Some(1.0), Some(4.0 / 3.0)][number % 3];
        let memory = vec![
            draw.eighths(convolution.patches().inputs()),
            draw.eighths(convolution.inputs()),
            unwritten(convolution.inputs()),
        ];
        case(describe(convolution, DeviceClass::Software), Col2im { convolution: *convolution, relu_mask }, memory)
    };
    convolutions().iter().enumerate().map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::GemmKind;
    use crate::gemm::examples::window;
    use crate::geometry::Padding;

    #[test]
    fn a_group_of_images_fits_the_cache_with_a_pool_and_without() {
        let group = |pool: usize| {
            let window = window([14, 14, 64], [3, 3], [1, 1], Padding::Same);
            let convolution = Convolution { batch: 256, window, filters: 64, pool };
            let config = DeviceClass::Software.config(GemmKind::Forward, &convolution);
            Col2im::group(&convolution, ArgmaxWord::of(&convolution, &config), Precision::F32)
        };
        assert_eq!([group(1), group(2)], [8, 8]);
    }
}
