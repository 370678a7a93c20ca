//! Anyone's picture as the data set's authors made theirs (Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017, section 2):
//! margins cut off, the longer side as long as the network's input, in the middle of it, bright on black.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Pixel, Rgb, RgbImage};

use super::problem::problem_with;
use crate::error::Result;
use crate::sniff::{self, Wanted};

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
    let unreadable = |error| sniff::unreadable(path, &error, Wanted::Picture, REMEDY);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) {
        return Err(format!("the file is empty; {REMEDY}"));
    }
    // By what the file holds; what it is called proves nothing.
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(unreadable)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        let unknown = || format!("neither PNG nor JPEG; {REMEDY}");
        return Err(sniff::kind_of(path).map_or_else(unknown, |kind| kind.line(Wanted::Picture, REMEDY)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageBuffer, ImageEncoder, Luma, LumaA, Rgba, RgbaImage};
    use std::fs;

    const SHAPE: [usize; 3] = [28, 28, 1];

    fn picture(image: impl Into<DynamicImage>, invert: Option<bool>) -> Picture {
        Picture::new(image.into(), SHAPE, invert)
    }

    /// The range of rows and the range of columns that are at least half bright.
    fn bright(picture: &Picture) -> [[usize; 2]; 2] {
        let places: Vec<usize> = (0..784).filter(|&place| picture.pixels[place] > 127).collect();
        let range = |along: fn(usize) -> usize| {
            let values = places.iter().map(|&place| along(place));
            [values.clone().min().unwrap(), values.max().unwrap()]
        };
        [range(|place| place / 28), range(|place| place % 28)]
    }

    #[test]
    fn a_picture_of_the_data_set_stays_as_it_is() {
        let image = ImageBuffer::from_fn(28, 28, |x, y| Luma([if (4..20).contains(&x) { (9 * y) as u8 } else { 0 }]));
        let read = picture(image.clone(), None);
        assert_eq!((read.pixels, read.inverted), (image.into_raw(), false));
    }

    /// 120 x 60 dark pixels anywhere on white become 28 x 14 bright ones in the middle of black.
    #[test]
    fn margins_go_and_proportions_stay() {
        let dark = |x: u32, y: u32| (31..151).contains(&x) && (222..282).contains(&y);
        let image = RgbImage::from_fn(600, 400, |x, y| if dark(x, y) { Rgb([20; 3]) } else { Rgb([250, 252, 255]) });
        let read = picture(image, None);
        assert!(read.inverted);
        assert_eq!(bright(&read), [[7, 20], [0, 27]]);
        assert!(read.pixels[..6 * 28].iter().all(|&value| value <= CLOSE), "{:?}", &read.pixels[..28]);
        assert!(read.pixels[14 * 28..15 * 28].iter().all(|&value| value.abs_diff(235) <= 3));
    }

    #[test]
    fn what_is_transparent_is_background() {
        let grey = |x: u32, y: u32| if (100..200).contains(&x) && (50..250).contains(&y) { 255 } else { 0 };
        // Whatever colour a transparent pixel has is not seen.
        let image = |value: u8| RgbaImage::from_fn(300, 300, |x, y| Rgba([value, value, value, grey(x, y)]));
        let dark_garment = picture(image(0), None);
        assert_eq!((dark_garment.inverted, bright(&dark_garment)), (true, [[0, 27], [7, 20]]));
        let bright_garment = picture(image(255), Some(false));
        assert_eq!((bright_garment.pixels, bright_garment.inverted), (dark_garment.pixels, false));
        let half = RgbaImage::from_pixel(28, 28, Rgba([0, 0, 0, 128]));
        assert_eq!(picture(half, Some(true)).pixels, [128; 784]);
    }

    #[test]
    fn any_size_fills_the_input() {
        for (width, height) in [(1, 1), (3, 500), (5000, 2), (28, 29), (14, 14)] {
            let read = picture(RgbImage::from_pixel(width, height, Rgb([200, 100, 50])), Some(false));
            assert_eq!(read.pixels.len(), 784, "{width} x {height}");
        }
        let colours = Picture::new(RgbImage::from_pixel(9, 9, Rgb([1, 2, 3])).into(), [4, 6, 3], None);
        assert_eq!(colours.pixels, [1, 2, 3].repeat(24));
    }

    /// The same four brightnesses in every mode that a PNG can have.
    #[test]
    fn modes_make_no_difference() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        let value = |x: u32, y: u32| if (2..9).contains(&x) && (3..30).contains(&y) { 255 } else { 0 };
        let grey = ImageBuffer::from_fn(20, 40, |x, y| Luma([value(x, y)]));
        let expected = picture(grey.clone(), None);
        let grey = DynamicImage::from(grey);
        let with_alpha = ImageBuffer::from_fn(20, 40, |x, y| LumaA([255, value(x, y)]));
        let modes = [
            grey.clone(),
            grey.to_luma16().into(),
            grey.to_rgb8().into(),
            grey.to_rgba8().into(),
            grey.to_rgb16().into(),
            grey.to_rgba16().into(),
            grey.to_luma_alpha16().into(),
        ];
        for mode in modes {
            mode.save(&path).unwrap();
            assert_eq!(Picture::read(&path, SHAPE, None).unwrap(), expected, "{:?}", mode.color());
        }
        DynamicImage::from(with_alpha).save(&path).unwrap();
        assert_eq!(Picture::read(&path, SHAPE, Some(false)).unwrap(), expected);
        for (colour, palette) in
            [(png::ColorType::Grayscale, None), (png::ColorType::Indexed, Some([0, 0, 0, 255, 255, 255]))]
        {
            let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), 20, 40);
            encoder.set_color(colour);
            encoder.set_depth(png::BitDepth::One);
            if let Some(palette) = palette {
                encoder.set_palette(palette.to_vec());
            }
            let bits = |y: u32, byte: u32| (0..8).fold(0, |bits, bit| bits << 1 | value(8 * byte + bit, y) >> 7);
            let rows: Vec<u8> = (0..40).flat_map(|y| (0..3).map(move |byte| bits(y, byte))).collect();
            encoder.write_header().unwrap().write_image_data(&rows).unwrap();
            assert_eq!(Picture::read(&path, SHAPE, None).unwrap(), expected, "{colour:?}");
        }
        // A JPEG, whatever its name says, is nearly the same.
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(fs::File::create(&path).unwrap(), 100);
        encoder.write_image(grey.as_bytes(), 20, 40, ExtendedColorType::L8).unwrap();
        let read = Picture::read(&path, SHAPE, None).unwrap();
        let apart = read.pixels.iter().zip(&expected.pixels).map(|(one, other)| one.abs_diff(*other)).max();
        assert!(apart <= Some(8), "{apart:?}");
    }
}
