//! Max-pool forward: host side and CPU reference of `shaders/pool_forward.wgsl`; what all pools share.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::vectors::vectorised;
use super::{
    BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write_activation, write_words,
};
use crate::gemm::examples::window;
use crate::geometry::{Padding, Window};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "pool_forward",
    about: "max-pool with any window and stride",
    wgsl: shader!("pool_forward", "pool"),
    bindings: &[read_activation("input"), write_activation("output"), write_words("argmax")],
    cases,
};

/// output and argmax `[batch, OH, OW, C]` of input `[batch, H, W, C]`.
#[derive(Clone, Copy, Debug)]
pub struct PoolForward {
    pub batch: usize,
    pub window: Window,
}

pub(super) const THREADS: usize = 64;

/// The constants of `shaders/common/pool.wgsl`.
pub(super) fn constants(batch: usize, window: &Window) -> Constants {
    let Window { size, stride, pad, input, output } = window;
    vec![
        ("BATCH", batch.into()),
        ("HEIGHT", input[0].into()),
        ("WIDTH", input[1].into()),
        ("CHANNELS", input[2].into()),
        ("WINDOW_HEIGHT", size[0].into()),
        ("WINDOW_WIDTH", size[1].into()),
        ("STRIDE_Y", stride[0].into()),
        ("STRIDE_X", stride[1].into()),
        ("PAD_TOP", pad[0].into()),
        ("PAD_LEFT", pad[1].into()),
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
        let (input, output, window) = (floats(input), floats_mut(output), self.window);
        let ([.., channels], [output_height, output_width]) = (window.input, window.output);
        let image = window.input.iter().product::<usize>();
        // A task has the positions of one row of one image.
        let values = output_width * channels;
        let output = output[..self.batch * output_height * values].par_chunks_exact_mut(values);
        output.zip(argmax.par_chunks_exact_mut(values)).enumerate().for_each(|(row, (output, argmax))| {
            let (input, y) = (&input[row / output_height * image..][..image], row % output_height);
            let rows = window.inside(0, y);
            vectorised(
                #[inline(always)]
                || {
                    let positions = output.chunks_exact_mut(channels).zip(argmax.chunks_exact_mut(channels));
                    for (x, (output, argmax)) in positions.enumerate() {
                        let columns = window.inside(1, x);
                        for (element_y, values) in rows.clone().zip(window.lines([y, x], input)) {
                            for (element_x, values) in columns.clone().zip(values.chunks_exact(channels)) {
                                let element = (element_y * window.size[1] + element_x) as u32;
                                if [element_y, element_x] == [rows.start, columns.start] {
                                    output.copy_from_slice(values);
                                    argmax.fill(element);
                                    continue;
                                }
                                for ((largest, winner), value) in output.iter_mut().zip(&mut *argmax).zip(values) {
                                    let larger = value > largest;
                                    *largest = if larger { *value } else { *largest };
                                    *winner = if larger { element } else { *winner };
                                }
                            }
                        }
                    }
                },
            );
        });
    }
}

/// Windows of the free-standing pools: 1 to 5 and whole images, disjoint, overlapping and with gaps; over the border of
/// the image on one side, on all, and with more outside than inside.
pub(super) fn pools() -> Vec<(usize, Window)> {
    use Padding::{Same, Valid};
    let pool = |batch, input, size, stride, padding| (batch, window(input, size, stride, padding));
    vec![
        pool(2, [6, 6, 3], [2, 2], [2, 2], Valid),
        pool(3, [7, 9, 2], [3, 3], [2, 2], Valid),
        pool(2, [8, 8, 5], [3, 3], [1, 1], Valid),
        pool(1, [9, 7, 1], [2, 3], [3, 2], Valid),
        pool(5, [5, 5, 65], [1, 1], [2, 2], Valid),
        pool(2, [7, 5, 3], [2, 2], [2, 2], Same),
        pool(3, [8, 9, 2], [3, 3], [2, 1], Same),
        pool(2, [3, 4, 5], [5, 5], [1, 2], Same),
        pool(1, [7, 8, 33], [2, 1], [3, 3], Same),
        pool(7, [5, 3, 6], [5, 3], [5, 3], Valid),
    ]
}

fn cases() -> Vec<Case> {
    let make = |(number, (batch, window)): (usize, (usize, Window))| {
        let outputs = batch * window.output[0] * window.output[1] * window.input[2];
        let mut input = Draw::new(number).eighths(batch * window.input.iter().product::<usize>());
        // Less than the zeros of a padding that counted.
        let below = |word: &mut u32| *word = (f32::from_bits(*word) - 2.0).to_bits();
        input.iter_mut().filter(|_| window.pad != [0, 0]).for_each(below);
        let memory = vec![input, unwritten(outputs), unwritten(outputs)];
        case(format!("batch {batch} {window:?}"), PoolForward { batch, window }, memory)
    };
    pools().into_iter().enumerate().map(make).collect()
}
