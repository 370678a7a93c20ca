//! What the cases of the convolution kernels share.

use super::case::{Case, Draw, SENTINEL};
use crate::gemm::examples::convolutions;
use crate::gemm::{Convolution, DeviceClass, GemmKind};
use crate::geometry::Window;

pub(super) fn describe(convolution: &Convolution, class: DeviceClass) -> String {
    let Window { size, stride, pad, input, .. } = convolution.window;
    let Convolution { batch, filters, pool, .. } = convolution;
    format!(
        "batch {batch} input {input:?} kernel {size:?} stride {stride:?} pad {pad:?} filters {filters} pool {pool} profile {class:?}"
    )
}

/// So many rows of a product, with a tile of eight, need more workgroups than one direction of a dispatch holds.
pub(super) const TALL: usize = 8 * 32_769;

/// Every geometry with every device profile, and one with a product of [`TALL`] rows.
pub(super) fn for_each_convolution(
    tall: Convolution,
    make: impl Fn(&Convolution, DeviceClass, &mut Draw) -> Case,
) -> Vec<Case> {
    let convolutions = convolutions();
    let pairs =
        DeviceClass::ALL.iter().flat_map(|class| convolutions.iter().map(move |convolution| (*class, convolution)));
    let pairs = pairs.chain([(DeviceClass::OldSoftware, &tall)]);
    let case = |(number, (class, convolution))| {
        let case: Case = make(convolution, class, &mut Draw::new(number));
        Case { class: Some(class), ..case }
    };
    pairs.enumerate().map(case).collect()
}

/// `argmax` as conv_forward leaves it, with random window elements.
pub(super) fn winners(convolution: &Convolution, positions_per_word: usize, draw: &mut Draw) -> Vec<u32> {
    if convolution.pool == 1 {
        return vec![0];
    }
    let words = convolution.positions().div_ceil(positions_per_word) * convolution.filters;
    let word = |draw: &mut Draw| (0..positions_per_word).map(|position| draw.0.below(4) << (4 * position)).sum();
    (0..words).map(|_| word(draw)).collect()
}

pub(super) fn positions_per_word(convolution: &Convolution, class: DeviceClass) -> usize {
    class.config(GemmKind::Forward, convolution).rows / convolution.window_elements()
}

/// An input gradient before its kernel runs: zero where no output reaches, unwritten elsewhere.
pub(super) fn unreached(convolution: &Convolution) -> Vec<u32> {
    let ([height, width, channels], [reached_height, reached_width]) =
        (convolution.window.input, convolution.reached());
    let word = |at: usize| {
        let (y, x) = (at / (width * channels) % height, at / channels % width);
        if y < reached_height && x < reached_width { SENTINEL } else { 0 }
    };
    (0..convolution.inputs()).map(word).collect()
}
