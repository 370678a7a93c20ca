//! A decoded picture as colours to compute with, made smaller where it has more pixels than could matter.

use image::metadata::Orientation;
use image::{DynamicImage, Rgba32FImage};
use rayon::prelude::*;

use super::grid::Grid;

/// A colour, each channel from 0 to 255 and multiplied by the opacity; and the opacity, 0 to 1.
pub type Colour = [f32; 4];

/// The picture with the means of squares of `factor` x `factor` pixels, the way up that a camera noted. Means take noise
/// away, too. It is turned only then: a copy of 64 million pixels is none that anybody needs.
pub fn shrink(image: &DynamicImage, factor: usize, orientation: Orientation) -> Grid<Colour> {
    let size = [image.width() as usize, image.height() as usize];
    let shrunk = match image {
        DynamicImage::ImageLuma8(image) => means(image, size, factor, 1.0, |[grey]| [grey, grey, grey, 1.0]),
        DynamicImage::ImageLumaA8(image) => means(image, size, factor, 1.0, grey_over),
        DynamicImage::ImageRgb8(image) => means(image, size, factor, 1.0, |[r, g, b]| [r, g, b, 1.0]),
        DynamicImage::ImageRgba8(image) => means(image, size, factor, 1.0, over),
        DynamicImage::ImageLuma16(image) => means(image, size, factor, 257.0, |[grey]| [grey, grey, grey, 1.0]),
        DynamicImage::ImageLumaA16(image) => means(image, size, factor, 257.0, grey_over),
        DynamicImage::ImageRgb16(image) => means(image, size, factor, 257.0, |[r, g, b]| [r, g, b, 1.0]),
        DynamicImage::ImageRgba16(image) => means(image, size, factor, 257.0, over),
        other => means(&other.to_rgba8(), size, factor, 1.0, over),
    };
    turned(shrunk, orientation)
}

fn grey_over([grey, alpha]: [f32; 2]) -> Colour {
    over([grey, grey, grey, alpha])
}

fn over([r, g, b, alpha]: [f32; 4]) -> Colour {
    let opacity = alpha / 255.0;
    [r * opacity, g * opacity, b * opacity, opacity]
}

/// Means of pixels of `C` channels, each `unit` times what 8 bits would have; fewer pixels at the right and the bottom.
fn means<T: Copy + Into<f32> + Sync, const C: usize>(
    values: &[T],
    [width, height]: [usize; 2],
    factor: usize,
    unit: f32,
    colour: impl Fn([f32; C]) -> Colour + Sync,
) -> Grid<Colour> {
    let columns = width.div_ceil(factor);
    let row = |rows: &[T]| {
        let mut sums = vec![[0.0f32; 4]; columns];
        for row in rows.chunks(width * C) {
            for (sum, pixels) in sums.iter_mut().zip(row.chunks(factor * C)) {
                for pixel in pixels.chunks_exact(C) {
                    let colour = colour(std::array::from_fn(|channel| pixel[channel].into() / unit));
                    *sum = std::array::from_fn(|channel| sum[channel] + colour[channel]);
                }
            }
        }
        let tall = rows.len() / (width * C);
        let count = |column: usize| (tall * factor.min(width - column * factor)) as f32;
        sums.into_iter().enumerate().map(move |(column, sum)| sum.map(|sum| sum / count(column))).collect::<Vec<_>>()
    };
    let values = values.par_chunks(width * C * factor).flat_map_iter(row).collect();
    Grid { width: columns, height: height.div_ceil(factor), values }
}

fn turned(grid: Grid<Colour>, orientation: Orientation) -> Grid<Colour> {
    if orientation == Orientation::NoTransforms {
        return grid;
    }
    let (width, height) = (grid.width as u32, grid.height as u32);
    let image = Rgba32FImage::from_fn(width, height, |x, y| image::Rgba(grid.at(x as usize, y as usize)));
    let mut image = DynamicImage::from(image);
    image.apply_orientation(orientation);
    let image = image.into_rgba32f();
    Grid {
        width: image.width() as usize,
        height: image.height() as usize,
        values: image.pixels().map(|pixel| pixel.0).collect(),
    }
}
