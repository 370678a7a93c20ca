//! Pictures made here, and what becomes of them.

use super::*;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageBuffer, ImageEncoder, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
use std::fs;

const SHAPE: [usize; 3] = [28, 28, 1];

fn of(image: impl Into<DynamicImage>, shape: [usize; 3], invert: Option<bool>, framing: Framing) -> Picture {
    let colours = shrink::shrink(&image.into(), 1, Orientation::NoTransforms);
    Picture::new(&colours, &Preparation { shape, invert, framing })
}

fn picture(image: impl Into<DynamicImage>, invert: Option<bool>) -> Picture {
    of(image, SHAPE, invert, Framing::FASHION_MNIST)
}

fn read(path: &Path, invert: Option<bool>) -> Picture {
    Picture::read(path, &Preparation { shape: SHAPE, invert, framing: Framing::FASHION_MNIST }).unwrap()
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
    assert!(read.pixels[..6 * 28].iter().all(|&value| f32::from(value) <= CLOSE), "{:?}", &read.pixels[..28]);
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
    let plain = RgbImage::from_pixel(9, 9, Rgb([1, 2, 3]));
    assert_eq!(of(plain.clone(), [4, 6, 3], None, Framing::FASHION_MNIST).pixels, [0; 72], "nothing but background");
    let scene = Framing { background: None, side: None, ..Framing::FASHION_MNIST };
    assert_eq!(of(plain, [4, 6, 3], None, scene).pixels, [1, 2, 3].repeat(24));
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
        assert_eq!(read(&path, None), expected, "{:?}", mode.color());
    }
    DynamicImage::from(with_alpha).save(&path).unwrap();
    assert_eq!(read(&path, Some(false)), expected);
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
        assert_eq!(read(&path, None), expected, "{colour:?}");
    }
    // A JPEG, whatever its name says, is nearly the same.
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(fs::File::create(&path).unwrap(), 100);
    encoder.write_image(grey.as_bytes(), 20, 40, ExtendedColorType::L8).unwrap();
    let read = read(&path, None);
    let apart = read.pixels.iter().zip(&expected.pixels).map(|(one, other)| one.abs_diff(*other)).max();
    assert!(apart <= Some(8), "{apart:?}");
}
