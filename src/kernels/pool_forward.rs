//! Max-pool forward: host side and CPU reference of `shaders/pool_forward.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read, write, write_words};
use crate::gemm::examples::window;
use crate::geometry::{Padding, Window};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "pool_forward",
    about: "max-pool with any window and stride",
    wgsl: shader!("pool_forward", "pool"),
    bindings: &[read("input"), write("output"), write_words("argmax")],
    cases,
};

/// output and argmax `[batch, OH, OW, C]` of input `[batch, H, W, C]`.
#[derive(Clone, Copy, Debug)]
pub struct PoolForward {
    pub batch: usize,
    pub window: Window,
}

pub(super) const THREADS: usize = 64;

/// The constants of both pooling kernels.
pub(super) fn constants(batch: usize, window: &Window) -> Constants {
    let Window { size, stride, input, output, .. } = window;
    vec![
        ("BATCH", batch.into()),
        ("HEIGHT", input[0].into()),
        ("WIDTH", input[1].into()),
        ("CHANNELS", input[2].into()),
        ("WINDOW_HEIGHT", size[0].into()),
        ("WINDOW_WIDTH", size[1].into()),
        ("STRIDE_Y", stride[0].into()),
        ("STRIDE_X", stride[1].into()),
        ("OUTPUT_HEIGHT", output[0].into()),
        ("OUTPUT_WIDTH", output[1].into()),
        ("THREADS", THREADS.into()),
    ]
}

impl Kernel for PoolForward {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        [constants(self.batch, &self.window), vec![("GRID_WIDTH", self.workgroups()[0].into())]].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [height, width] = self.window.output;
        let [x, y] = grid((self.batch * height * width * self.window.input[2]).div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        0
    }

    fn words(&self) -> Vec<usize> {
        let Window { input, output: [height, width], .. } = self.window;
        let outputs = self.batch * height * width * input[2];
        vec![self.batch * input.iter().product::<usize>(), outputs, outputs]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [input, output, argmax] = memory else { unreachable!("{BINDINGS}") };
        let (input, output) = (floats(input), floats_mut(output));
        let Window { size, stride, input: [height, width, channels], output: [output_height, output_width], .. } =
            self.window;
        // A task has the positions of one row of one image.
        let values = output_width * channels;
        let output = output[..self.batch * output_height * values].par_chunks_exact_mut(values);
        output.zip(argmax.par_chunks_exact_mut(values)).enumerate().for_each(|(row, (output, argmax))| {
            let corner = row / output_height * height + row % output_height * stride[0];
            vectorised(
                #[inline(always)]
                || {
                    let positions = output.chunks_exact_mut(channels).zip(argmax.chunks_exact_mut(channels));
                    for (x, (output, argmax)) in positions.enumerate() {
                        let pixel = |element: usize| {
                            let at = (corner + element / size[1]) * width + x * stride[1] + element % size[1];
                            &input[at * channels..][..channels]
                        };
                        output.copy_from_slice(pixel(0));
                        argmax.fill(0);
                        for element in 1..size[0] * size[1] {
                            for ((largest, winner), value) in output.iter_mut().zip(&mut *argmax).zip(pixel(element)) {
                                let larger = value > largest;
                                *largest = if larger { *value } else { *largest };
                                *winner = if larger { element as u32 } else { *winner };
                            }
                        }
                    }
                },
            );
        });
    }
}

/// Windows of the free-standing pool: 1 to 3, disjoint, overlapping and with gaps.
pub(super) fn pools() -> Vec<(usize, Window)> {
    let pool = |batch, input, size, stride| (batch, window(input, size, stride, Padding::Valid));
    vec![
        pool(2, [6, 6, 3], [2, 2], [2, 2]),
        pool(3, [7, 9, 2], [3, 3], [2, 2]),
        pool(2, [8, 8, 5], [3, 3], [1, 1]),
        pool(1, [9, 7, 1], [2, 3], [3, 2]),
        pool(5, [5, 5, 65], [1, 1], [2, 2]),
    ]
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, window)): (usize, (usize, Window))| {
        let outputs = batch * window.output[0] * window.output[1] * window.input[2];
        let input = Draw::new(number).eighths(batch * window.input.iter().product::<usize>());
        let memory = vec![input, unwritten(outputs), unwritten(outputs)];
        case(format!("batch {batch} {window:?}"), PoolForward { batch, window }, memory)
    };
    pools().into_iter().enumerate().map(make).collect()
}
