//! An object's picture, scaled and put where the data set has its objects.

use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};

use super::framing::{Framing, centre_of_mass};
use super::grid::{Grid, Rectangle, luma};

/// A picture whose object already is within so many of the network's pixels of where it should be is framed well: it is
/// scaled as a whole. So a sample of the data set, enlarged, becomes the sample again.
const WELL: f64 = 1.0;

/// How much the proportions of such a picture may differ from the network's input.
const PROPORTIONS: f64 = 0.02;

/// The network's pixels in `[H, W, C]` order, of the `object` where there is one, or of the whole picture.
pub fn place(
    picture: &Grid<[f32; 3]>,
    object: Option<&Grid<bool>>,
    around: [f32; 3],
    shape: [usize; 3],
    framing: &Framing,
) -> Vec<u8> {
    let bounds = object.and_then(Grid::bounds).zip(framing.side).filter(|_| picture.width * picture.height > 0);
    let (part, side, framing) = match bounds {
        Some((bounds, side)) if !is_framed(picture, bounds, shape, (side, framing)) => (bounds, side, *framing),
        _ => (picture.whole(), 1.0, Framing::FASHION_MNIST),
    };
    let bytes = |colour: [f32; 3]| Rgb(colour.map(|value| value.round().clamp(0.0, 255.0) as u8));
    let [height, width] = [shape[0], shape[1]];
    let scale = side * (width as f64 / part.width() as f64).min(height as f64 / part.height() as f64);
    let scaled = |size: usize, most: usize| ((size as f64 * scale).round() as usize).clamp(1, most);
    let (columns, rows) = (scaled(part.width(), width), scaled(part.height(), height));
    let cut = picture.crop(part);
    let cut = RgbImage::from_fn(cut.width as u32, cut.height as u32, |x, y| bytes(cut.at(x as usize, y as usize)));
    let cut = imageops::resize(&cut, columns as u32, rows as u32, FilterType::Lanczos3);
    let centre = match framing.by_mass {
        true => centre_of_mass(&Grid::from_fn(columns, rows, |x, y| luma(cut[(x as u32, y as u32)].0.map(f32::from)))),
        false => [rows, columns].map(|size| size as f64 / 2.0),
    };
    let start = |axis: usize, size: usize, most: usize| {
        let start = most as f64 * framing.middle[axis] - centre[axis];
        // Half a pixel goes to the right and down.
        let start = if framing.by_mass { start.round() } else { start.floor() };
        (start.max(0.0) as usize).min(most - size) as i64
    };
    let mut canvas = RgbImage::from_pixel(width as u32, height as u32, bytes(around));
    imageops::replace(&mut canvas, &cut, start(1, columns, width), start(0, rows, height));
    if shape[2] == 1 { DynamicImage::from(canvas).into_luma8().into_raw() } else { canvas.into_raw() }
}

fn is_framed(
    picture: &Grid<[f32; 3]>,
    bounds: Rectangle,
    [height, width, _]: [usize; 3],
    (side, framing): (f64, &Framing),
) -> bool {
    let size = [picture.height, picture.width].map(|size| size as f64);
    let proportions = size[1] / size[0] * height as f64 / width as f64;
    let centre = match framing.by_mass {
        true => centre_of_mass(&picture.map(|colour| luma(colour).max(0.0))),
        false => [bounds.top + bounds.bottom, bounds.left + bounds.right].map(|sum| sum as f64 / 2.0),
    };
    let longer = (bounds.height() as f64 / size[0]).max(bounds.width() as f64 / size[1]);
    let input = [height as f64, width as f64];
    let off = |axis: usize| (centre[axis] / size[axis] - framing.middle[axis]).abs() * input[axis];
    (proportions - 1.0).abs() <= PROPORTIONS
        && (longer - side).abs() * input[0].max(input[1]) <= WELL
        && off(0).max(off(1)) <= WELL
}
