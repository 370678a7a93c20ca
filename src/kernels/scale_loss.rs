//! The loss's gradient times the loss's scale: host side and CPU reference of `shaders/scale_loss.wgsl`.

use super::case::{Case, Draw, case};
use super::loss_scale::LossScale;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats_mut, grid, read_words, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "scale_loss",
    about: "multiplies the loss's gradient by the loss's scale",
    wgsl: shader!("scale_loss"),
    bindings: &[read_words("scale"), write("gradient")],
    cases,
};

/// `values` of the loss's gradient.
#[derive(Clone, Copy, Debug)]
pub struct ScaleLoss {
    pub values: usize,
}

const THREADS: usize = 64;

impl Kernel for ScaleLoss {
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

    fn traffic(&self, binding: &str, words: usize) -> usize {
        if binding == "gradient" { 2 * words } else { 1 }
    }

    fn words(&self) -> Vec<usize> {
        vec![LossScale::WORDS, self.values]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [scale, gradient] = memory else { unreachable!("{BINDINGS}") };
        let LossScale { scale, .. } = LossScale::read(scale);
        floats_mut(gradient)[..self.values].iter_mut().for_each(|value| *value *= scale);
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, (values, scale)): (usize, (usize, f32))| {
        let memory = vec![LossScale { scale, ..LossScale::FIRST }.words(), Draw::new(number).eighths(values)];
        case(format!("{values} values, scale {scale}"), ScaleLoss { values }, memory)
    };
    let cases = [(20, 1.0), (1, 32_768.0), (5_120, 4_096.0), (67, 2.0), (64 * 32_768 + 5, 8.0)];
    cases.into_iter().enumerate().map(make).collect()
}
