//! Winograd's minimal filtering, F(4 x 4, 3 x 3): 4 x 4 outputs of a channel and a filter from 36 products in place of 144.
//! An output tile is a product of polynomials; both factors are evaluated at 0, 1, -1, 2, -2 and infinity along each axis,
//! multiplied there, and the product is interpolated. Lavin and Gray, "Fast algorithms for convolutional neural networks"
//! (2015), section 4. A weight gradient is F(3 x 3, 4 x 4), which has the same points.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::floats_mut;
use super::scratch::Scratch;
use crate::gemm::{WINOGRAD_POINTS as POINTS, WINOGRAD_TILE as TILE};

/// What a tile is evaluated at.
pub(super) const ALL_POINTS: usize = POINTS * POINTS;

/// Values between the matrices of two points: without, all would be in the same few sets of a processor's cache.
const GAP: usize = 16;

/// Words of each of the points' matrices, of so many values.
pub(super) fn spaced(values: usize) -> usize {
    values + GAP
}

/// How outputs are divided into tiles, those of an image down and across.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    down: usize,
    across: usize,
}

impl Tiles {
    pub fn of(outputs: [usize; 2]) -> Self {
        let [down, across] = outputs.map(|extent| extent.div_ceil(TILE));
        Self { down, across }
    }

    /// Of so many images.
    pub fn count(self, images: usize) -> usize {
        images * self.down * self.across
    }

    /// Images that have enough tiles for a product's rows.
    pub fn images(self) -> usize {
        const ENOUGH: usize = 64;
        ENOUGH.div_ceil(self.count(1))
    }

    /// Image, and first row and column of the outputs, of a tile.
    pub fn place(self, tile: usize) -> [usize; 3] {
        [tile / self.count(1), tile / self.across % self.down * TILE, tile % self.across * TILE]
    }
}

/// All of a tile along one axis, then along the other. The loops are in the function itself: closures would be left out of
/// its vectors.
#[inline(always)]
pub(super) fn along_both_axes<S: Simd, const FROM: usize, const TO: usize>(
    simd: S,
    read: impl Fn(usize, usize) -> S::f32s,
    transform: impl Fn(S, [S::f32s; FROM]) -> [S::f32s; TO],
    mut write: impl FnMut(usize, usize, S::f32s),
) {
    let zero = simd.splat_f32s(0.0);
    let mut rows = [[zero; TO]; FROM];
    for (y, to) in rows.iter_mut().enumerate() {
        let mut row = [zero; FROM];
        for (x, value) in row.iter_mut().enumerate() {
            *value = read(y, x);
        }
        *to = transform(simd, row);
    }
    for x in 0..TO {
        let mut column = [zero; FROM];
        for (value, row) in column.iter_mut().zip(&rows) {
            *value = row[x];
        }
        for (y, value) in transform(simd, column).iter().enumerate() {
            write(y, x, *value);
        }
    }
}

/// Images, of which every tile has a window.
#[derive(Clone)]
pub(super) struct Source<'a> {
    /// `[batch, H, W, C]`
    pub values: &'a [f32],
    pub images: Range<usize>,
    /// `[H, W, C]`
    pub extents: [usize; 3],
    pub tiles: Tiles,
    pub window: TileWindow,
}

/// A tile's part of an image.
#[derive(Clone, Copy)]
pub(super) enum TileWindow {
    /// The inputs that its outputs depend on, with zeros around the image.
    Inputs { pad: [usize; 2] },
    /// Its outputs' gradients.
    Gradients,
}

impl Source<'_> {
    /// `[points, tiles, C]`, each point's matrix [`spaced`].
    pub fn at_points(self) -> Scratch {
        let count = self.tiles.count(self.images.len());
        let mut at_points = Scratch::new(ALL_POINTS * spaced(count * self.extents[2]));
        Arch::new().dispatch(Evaluate { source: self, at_points: floats_mut(&mut at_points) });
        at_points
    }
}

struct Evaluate<'a> {
    source: Source<'a>,
    at_points: &'a mut [f32],
}

impl WithSimd for Evaluate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.source.window {
            TileWindow::Inputs { pad } => self.each(
                simd,
                pad,
                #[inline(always)]
                |simd, values| inputs(simd, values),
            ),
            TileWindow::Gradients => self.each(
                simd,
                [0, 0],
                #[inline(always)]
                |simd, values| gradients(simd, values),
            ),
        }
    }
}

impl Evaluate<'_> {
    #[expect(clippy::redundant_closure, reason = "a reference to a function is not inlined, and leaves the vectors")]
    #[inline(always)]
    fn each<S: Simd, const WINDOW: usize>(
        self,
        simd: S,
        pad: [usize; 2],
        transform: impl Fn(S, [S::f32s; WINDOW]) -> [S::f32s; POINTS],
    ) {
        let Source { values, images, extents: [height, width, channels], tiles, .. } = self.source;
        let count = tiles.count(images.len());
        let of_image = height * width * channels;
        let images = S::as_simd_f32s(&values[images.start * of_image..images.end * of_image]).0;
        let at_points = S::as_mut_simd_f32s(self.at_points).0;
        let (vectors, step) = (channels / S::F32_LANES, spaced(count * channels) / S::F32_LANES);
        for tile in 0..count {
            let [image, top, left] = tiles.place(tile);
            // Where each value is; none is outside of the image.
            let mut places = [[None; WINDOW]; WINDOW];
            for (y, row) in places.iter_mut().enumerate() {
                for (x, place) in row.iter_mut().enumerate() {
                    let (y, x) = ((top + y).wrapping_sub(pad[0]), (left + x).wrapping_sub(pad[1]));
                    *place = (y < height && x < width).then(|| ((image * height + y) * width + x) * vectors);
                }
            }
            for vector in 0..vectors {
                along_both_axes(
                    simd,
                    #[inline(always)]
                    |y, x| match places[y][x] {
                        Some(place) => images[place + vector],
                        None => simd.splat_f32s(0.0),
                    },
                    #[inline(always)]
                    |simd, values| transform(simd, values),
                    #[inline(always)]
                    |y, x, value| at_points[(y * POINTS + x) * step + tile * vectors + vector] = value,
                );
            }
        }
    }
}

/// `factor * value + sum`
#[inline(always)]
fn times<S: Simd>(simd: S, factor: f32, value: S::f32s, sum: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), value, sum)
}

/// What inputs are at the points.
#[inline(always)]
fn inputs<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; POINTS]) -> [S::f32s; POINTS] {
    let (even, odd) = (times(simd, -4.0, c, e), times(simd, -4.0, b, d));
    let (even_2, odd_2) = (simd.sub_f32s(e, c), simd.sub_f32s(d, b));
    [
        times(simd, 4.0, a, times(simd, -5.0, c, e)),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        times(simd, 2.0, odd_2, even_2),
        times(simd, -2.0, odd_2, even_2),
        times(simd, 4.0, b, times(simd, -5.0, d, f)),
    ]
}

/// What outputs' gradients are at the points.
#[inline(always)]
fn gradients<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; TILE]) -> [S::f32s; POINTS] {
    let (even, odd) = (simd.add_f32s(a, c), simd.add_f32s(b, d));
    let (even_2, odd_2) = (times(simd, 4.0, c, a), times(simd, 8.0, d, simd.add_f32s(b, b)));
    [
        simd.mul_f32s(simd.splat_f32s(1.0 / 4.0), a),
        simd.mul_f32s(simd.splat_f32s(-1.0 / 6.0), simd.add_f32s(even, odd)),
        simd.mul_f32s(simd.splat_f32s(-1.0 / 6.0), simd.sub_f32s(even, odd)),
        simd.mul_f32s(simd.splat_f32s(1.0 / 24.0), simd.add_f32s(even_2, odd_2)),
        simd.mul_f32s(simd.splat_f32s(1.0 / 24.0), simd.sub_f32s(even_2, odd_2)),
        d,
    ]
}

/// Outputs from their values at the points.
#[inline(always)]
pub(super) fn outputs<S: Simd>(simd: S, points: [S::f32s; POINTS]) -> [S::f32s; TILE] {
    let [zero, one, minus_one, two, minus_two, infinity] = points;
    let (even, odd) = (simd.add_f32s(one, minus_one), simd.sub_f32s(one, minus_one));
    let (even_2, odd_2) = (simd.add_f32s(two, minus_two), simd.sub_f32s(two, minus_two));
    [
        simd.add_f32s(simd.add_f32s(zero, even), even_2),
        times(simd, 2.0, odd_2, odd),
        times(simd, 4.0, even_2, even),
        simd.add_f32s(times(simd, 8.0, odd_2, odd), infinity),
    ]
}

/// A kernel's gradients from their values at the points: as outputs, of which the last has what is at infinity.
#[inline(always)]
pub(super) fn taps<S: Simd>(simd: S, points: [S::f32s; POINTS]) -> [S::f32s; 3] {
    let [first, second, third, _] = outputs(simd, points);
    [first, second, simd.add_f32s(third, points[POINTS - 1])]
}
