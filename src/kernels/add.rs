//! The sum of two buffers: host side and CPU reference of `shaders/add.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write_activation};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "add",
    about: "adds two buffers: the gradients that two readers of a value leave of it",
    wgsl: shader!("add"),
    bindings: &[read_activation("left"), read_activation("right"), write_activation("sum")],
    cases,
};

/// sum `[values]` = left `[values]` + right `[values]`.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    pub values: usize,
}

const THREADS: usize = 64;

impl Kernel for Add {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![("VALUES", self.values.into()), ("THREADS", THREADS.into()), ("GRID_WIDTH", self.workgroups()[0].into())]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.values.div_ceil(THREADS));
        [x, y, 1]
    }

    fn operations(&self) -> usize {
        self.values
    }

    fn words(&self) -> Vec<usize> {
        vec![self.values; 3]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [left, right, sum] = memory else { unreachable!("{BINDINGS}") };
        const BLOCK: usize = 16_384;
        let blocks = floats(left).par_chunks(BLOCK).zip(floats(right).par_chunks(BLOCK));
        floats_mut(sum)[..self.values].par_chunks_mut(BLOCK).zip(blocks).for_each(|(sum, (left, right))| {
            vectorised(
                #[inline(always)]
                || sum.iter_mut().zip(left.iter().zip(right)).for_each(|(sum, (left, right))| *sum = left + right),
            );
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, values): (usize, usize)| {
        let draw = &mut Draw::new(number);
        let memory = vec![draw.eighths(values), draw.eighths(values), unwritten(values)];
        case(format!("{values} values"), Add { values }, memory)
    };
    [1, 64, 1000, 64 * 32_769].into_iter().enumerate().map(make).collect()
}
