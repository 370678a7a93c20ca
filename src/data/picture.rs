//! Anyone's picture as the data set's authors made theirs (Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017, section 2):
//! margins cut off, the longer side as long as the network's input, in the middle of it, bright on black.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Pixel, Rgb, RgbImage};

use super::problem::problem_with;
use crate::error::Result;

/// A picture that a network can be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The pixels, 0 to 255, in `[H, W, C]` order.
    pub pixels: Vec<u8>,
    /// Whether it is the negative of what was read.
    pub inverted: bool,
}

/// At 8 bytes for each pixel, the most that a PNG can have, half a gigabyte.
const MOST_PIXELS: u64 = 8192 * 8192;

/// How far a pixel of the margins may be from the background in each channel: a twentieth of full brightness.
const CLOSE: u8 = 12;

impl Picture {
    /// Reads a PNG or JPEG of any size and mode. `shape` is the network's input, `[H, W, C]` with one or three channels.
    /// Where `invert` leaves it open, pictures whose outermost pixels are bright (in the median, more than half of what
    /// they could be) are turned into their negative.
    ///
    /// # Errors
    /// [`Error::Data`](crate::error::Error::Data) where the file is no such picture, or too large.
    pub fn read(path: &Path, shape: [usize; 3], invert: Option<bool>) -> Result<Self> {
        decode(path).map(|decoded| Self::new(decoded, shape, invert)).map_err(|problem| problem_with(path, problem))
    }

    fn new(decoded: DynamicImage, shape: [usize; 3], invert: Option<bool>) -> Self {
        let [height, width] = [shape[0], shape[1]].map(|size| size as u32);
        // Transparency shows what the network takes for the background: white paper, or black.
        let mut whole = opaque(decoded, if invert == Some(false) { 0 } else { 255 });
        let mut background = border(&whole);
        let inverted = invert.unwrap_or(background.to_luma().0[0] > 127);
        if inverted {
            imageops::invert(&mut whole);
            background.0 = background.0.map(|value| 255 - value);
        }
        // What is as small as the data set's own pictures has its margins for a reason.
        let [left, top, columns, rows] = match whole.width() > width || whole.height() > height {
            true => inside(&whole, background),
            false => [0, 0, whole.width(), whole.height()],
        };
        let scale = (f64::from(width) / f64::from(columns)).min(f64::from(height) / f64::from(rows));
        let scaled = |size: u32, most: u32| ((f64::from(size) * scale).round() as u32).clamp(1, most);
        let part = imageops::crop_imm(&whole, left, top, columns, rows);
        let (columns, rows) = (scaled(columns, width), scaled(rows, height));
        let part = imageops::resize(&*part, columns, rows, FilterType::Lanczos3);
        let mut canvas = RgbImage::from_pixel(width, height, background);
        imageops::replace(&mut canvas, &part, ((width - columns) / 2).into(), ((height - rows) / 2).into());
        let pixels = if shape[2] == 1 { DynamicImage::from(canvas).into_luma8().into_raw() } else { canvas.into_raw() };
        Self { pixels, inverted }
    }
}

/// The picture in a file, the way up that a camera noted, or what is wrong with it and what to do.
fn decode(path: &Path) -> std::result::Result<DynamicImage, String> {
    const REMEDY: &str = "give a PNG or JPEG picture";
    let unreadable = |error: std::io::Error| format!("cannot be read ({error}); check the path and its permissions");
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) {
        return Err(format!("the file is empty; {REMEDY}"));
    }
    // By what the file holds; what it is called proves nothing.
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(unreadable)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(format!("neither PNG nor JPEG; {REMEDY}"));
    }
    let damaged = |error: image::ImageError| format!("cannot be decoded ({error}); {REMEDY}");
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let most = MOST_PIXELS.isqrt();
        return Err(format!("{width} x {height} pixels are too many; scale it down, to {most} x {most} at most"));
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    decoded.apply_orientation(orientation);
    Ok(decoded)
}

/// The picture over paper of that brightness, as it would look there.
fn opaque(decoded: DynamicImage, paper: u8) -> RgbImage {
    if !decoded.color().has_alpha() {
        return decoded.into_rgb8();
    }
    let decoded = decoded.into_rgba8();
    RgbImage::from_fn(decoded.width(), decoded.height(), |x, y| {
        let [colour @ .., alpha] = decoded[(x, y)].0.map(u32::from);
        Rgb(colour.map(|value| ((value * alpha + u32::from(paper) * (255 - alpha) + 127) / 255) as u8))
    })
}

/// The median of the outermost pixels, channel by channel.
fn border(image: &RgbImage) -> Rgb<u8> {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    let across = (0..=right).flat_map(|x| [(x, 0), (x, bottom)]);
    let down = (0..=bottom).flat_map(|y| [(0, y), (right, y)]);
    let places: Vec<(u32, u32)> = across.chain(down).collect();
    Rgb([0, 1, 2].map(|channel| {
        let mut values: Vec<u8> = places.iter().map(|&place| image[place].0[channel]).collect();
        let middle = values.len() / 2;
        *values.select_nth_unstable(middle).1
    }))
}

/// Left, top, width and height of what is left without the margins; all of a picture that is nothing but background.
fn inside(image: &RgbImage, background: Rgb<u8>) -> [u32; 4] {
    let mut corners = [u32::MAX, u32::MAX, 0, 0];
    for (x, y, pixel) in image.enumerate_pixels() {
        if pixel.0.iter().zip(background.0).any(|(value, background)| value.abs_diff(background) > CLOSE) {
            let [left, top, right, bottom] = corners;
            corners = [left.min(x), top.min(y), right.max(x), bottom.max(y)];
        }
    }
    match corners {
        [u32::MAX, ..] => [0, 0, image.width(), image.height()],
        [left, top, right, bottom] => [left, top, right - left + 1, bottom - top + 1],
    }
}
