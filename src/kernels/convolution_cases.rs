//! The geometries that the cases of the convolution kernels share.

use super::case::{Case, Draw, SENTINEL};
use super::{Convolution, Tiles};
use crate::geometry::{Padding, Window};

pub(super) fn window(input: [usize; 3], size: [usize; 2], stride: [usize; 2], padding: Padding) -> Window {
    Window::new(input, size, stride, padding).expect("the cases' windows fit their images")
}

/// The geometries of the three convolution kernels: dense ones, and kernels 1 to 5, strides to 3, both paddings.
pub(super) fn convolutions() -> Vec<Convolution> {
    use Padding::{Same, Valid};
    let conv = |batch, input, size, stride, padding, filters, pool| Convolution {
        batch,
        window: window(input, size, stride, padding),
        filters,
        pool,
    };
    vec![
        Convolution::dense(5, 7, 3),
        Convolution::dense(33, 130, 10),
        Convolution::dense(64, 96, 136),
        conv(2, [8, 8, 1], [3, 3], [1, 1], Valid, 5, 2),
        conv(3, [9, 11, 2], [3, 3], [1, 1], Valid, 33, 2),
        conv(3, [13, 13, 3], [3, 3], [2, 2], Same, 16, 2),
        conv(2, [7, 6, 4], [2, 2], [1, 1], Same, 9, 1),
        conv(2, [11, 10, 3], [4, 4], [3, 3], Valid, 8, 1),
        conv(3, [10, 9, 2], [5, 5], [2, 2], Same, 7, 2),
        conv(2, [6, 5, 17], [1, 1], [1, 1], Valid, 12, 1),
        conv(2, [7, 8, 3], [1, 1], [3, 2], Valid, 4, 1),
        conv(2, [8, 7, 2], [1, 3], [2, 1], Same, 6, 2),
        conv(130, [2, 2, 3], [1, 1], [1, 1], Valid, 3, 1),
        // Primes, so that no tile divides them.
        Convolution::dense(37, 41, 43),
    ]
}

pub(super) fn describe(convolution: &Convolution, tiles: Tiles) -> String {
    let Window { size, stride, pad, input, .. } = convolution.window;
    let Convolution { batch, filters, pool, .. } = convolution;
    format!(
        "batch {batch} input {input:?} kernel {size:?} stride {stride:?} pad {pad:?} filters {filters} pool {pool} tiles {tiles:?}"
    )
}

/// So many rows of a product, with a tile of eight, need more workgroups than one direction of a dispatch holds.
pub(super) const TALL: usize = 8 * 32_769;

/// Every geometry with every column of the tile table, and one with a product of [`TALL`] rows.
pub(super) fn for_each_convolution(
    tall: Convolution,
    make: impl Fn(&Convolution, Tiles, &mut Draw) -> Case,
) -> Vec<Case> {
    let convolutions = convolutions();
    let pairs = Tiles::ALL.iter().flat_map(|tiles| convolutions.iter().map(move |convolution| (*tiles, convolution)));
    let pairs = pairs.chain([(Tiles::OldSoftware, &tall)]);
    let case = |(number, (tiles, convolution))| {
        let case: Case = make(convolution, tiles, &mut Draw::new(number));
        Case { tiles: Some(tiles), ..case }
    };
    pairs.enumerate().map(case).collect()
}

/// `argmax` as conv_forward leaves it, with random places.
pub(super) fn places(convolution: &Convolution, packed: usize, draw: &mut Draw) -> Vec<u32> {
    if convolution.pool == 1 {
        return vec![0];
    }
    let words = convolution.positions().div_ceil(packed) * convolution.filters;
    let word = |draw: &mut Draw| (0..packed).map(|place| draw.0.below(4) << (4 * place)).sum();
    (0..words).map(|_| word(draw)).collect()
}

pub(super) fn packed(convolution: &Convolution, tiles: Tiles) -> usize {
    tiles.forward(convolution).rows / convolution.places()
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
