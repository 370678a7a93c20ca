//! Pictures made here, and what becomes of them.

use super::*;
use crate::data::Samples;
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

/// A T-shirt as Fashion-MNIST has one, `[28, 28]`: as wide as the picture, brighter below, with antialiased edges.
fn shirt(x: usize, y: usize) -> u8 {
    let body = (8..20).contains(&x) && (2..26).contains(&y);
    let sleeves = (3..14).contains(&y) && x + y >= 13 && x < 15 + y;
    let edge = x + y == 13 || x == 14 + y;
    match (body, sleeves) {
        (true, _) => 120 + 5 * y as u8,
        (false, true) if edge => 60,
        (false, true) => 110,
        _ => 0,
    }
}

/// The shirt, ten times as large, dark in the middle of a white page of `width` x `height`; 0 to 255.
fn page(width: usize, height: usize) -> Grid<f32> {
    let (left, top) = ((width - 280) / 2, (height - 280) / 2);
    Grid::from_fn(width, height, |x, y| match (x.checked_sub(left), y.checked_sub(top)) {
        (Some(x), Some(y)) if x < 280 && y < 280 => 255.0 - f32::from(shirt(x / 10, y / 10)),
        _ => 255.0,
    })
}

fn grey(page: &Grid<f32>) -> DynamicImage {
    let value = |x: u32, y: u32| Luma([page.at(x as usize, y as usize).round().clamp(0.0, 255.0) as u8]);
    ImageBuffer::from_fn(page.width as u32, page.height as u32, value).into()
}

/// Noise with a standard deviation of one, nearly normally distributed.
fn noise(place: usize) -> f32 {
    let word = |part: usize| (place * 12 + part).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40 & 0xffff;
    (0..12).map(|part| word(part) as f32 / 65_536.0).sum::<f32>() - 6.0
}

/// How far a picture's pixels are from the shirt's, in the mean and at most.
fn apart(picture: &Picture) -> (f32, u8) {
    let apart = |place: usize| picture.pixels[place].abs_diff(shirt(place % 28, place / 28));
    let sum: f32 = (0..784).map(|place| f32::from(apart(place))).sum();
    (sum / 784.0, (0..784).map(apart).max().unwrap())
}

/// The page in another light, or with something on it; `x` and `y` go from 0 to 1.
fn lit(page: &Grid<f32>, light: impl Fn(f32, f32) -> f32) -> Grid<f32> {
    let part = |at: usize, size: usize| at as f32 / (size - 1) as f32;
    let light = |x, y| page.at(x, y) * light(part(x, page.width), part(y, page.height));
    Grid::from_fn(page.width, page.height, light)
}

fn with(page: &Grid<f32>, value: f32, inside: impl Fn(usize, usize) -> bool) -> Grid<f32> {
    Grid::from_fn(page.width, page.height, |x, y| if inside(x, y) { value } else { page.at(x, y) })
}

#[test]
fn photographs_become_samples_of_the_data_set() {
    let even = page(448, 448);
    let from_edge = |x: usize, y: usize| x.min(y).min(447 - x).min(447 - y);
    let noisy = |deviation: f32| Grid::from_fn(448, 448, |x, y| even.at(x, y) * 0.95 + deviation * noise(448 * y + x));
    let photographs: [(&str, Grid<f32>); 15] = [
        ("even", even.clone()),
        ("grey", lit(&even, |_, _| 0.85)),
        ("dim", lit(&even, |_, _| 0.4)),
        ("lit from a side", lit(&even, |x, _| 0.6 + 0.4 * x)),
        ("lit from a corner", lit(&even, |x, y| 0.5 + 0.25 * (x + y))),
        ("a vignette", lit(&even, |x, y| 1.0 - 0.5 * ((x - 0.5).powi(2) + (y - 0.5).powi(2)))),
        ("a lamp", lit(&even, |x, y| 0.55 + 0.45 * (-2.0 * ((x - 0.3).powi(2) + (y - 0.35).powi(2))).exp())),
        ("noise", noisy(5.0)),
        ("strong noise", noisy(10.0)),
        ("a speck", with(&even, 60.0, |x, y| (6..12).contains(&x) && (6..12).contains(&y))),
        ("a large speck", with(&even, 20.0, |x, y| (420..434).contains(&x) && (420..434).contains(&y))),
        ("a frame", with(&even, 0.0, |x, y| from_edge(x, y) < 2)),
        ("a grey frame", with(&even, 100.0, |x, y| from_edge(x, y) < 6)),
        ("a frame drawn on it", with(&even, 0.0, |x, y| (20..23).contains(&from_edge(x, y)))),
        ("a dark bar at an edge", with(&even, 50.0, |x, _| x < 14)),
    ];
    for (name, photograph) in photographs {
        let (mean, most) = apart(&picture(grey(&photograph), None));
        assert!(mean < 3.0 && most < 50, "{name}: {mean} {most}");
    }
    let negative = picture(grey(&even.map(|value| 40.0 + (255.0 - value) * 200.0 / 255.0)), None);
    // No white paper says how bright the light is: the shirt stays as much darker as it is.
    assert!(!negative.inverted && apart(&negative).0 < 8.0, "bright on a table: {:?}", apart(&negative));
    // A thin ring is no frame, and the dust beside it no digit.
    let ring = |x: usize, y: usize| (90..=100).contains(&(((x as f32 - 224.0).hypot(y as f32 - 224.0) / 2.1) as usize));
    let blank = even.map(|_| 255.0);
    let clean = picture(grey(&with(&blank, 40.0, ring)), None);
    let dusty = picture(grey(&with(&blank, 40.0, |x, y| ring(x, y) || x.min(y) > 440)), None);
    assert!(clean.pixels == dusty.pixels && bright(&clean) == [[0, 27], [0, 27]], "{:?}", bright(&dusty));
    let wide = picture(grey(&page(900, 400)), None);
    assert!(apart(&wide).0 < 3.0, "wide: {:?}", apart(&wide));
    let coloured = ImageBuffer::from_fn(448, 448, |x, y| {
        let value = even.at(x as usize, y as usize);
        Rgb([250.0, 220.0, 180.0].map(|paper| (value * paper / 255.0).round() as u8))
    });
    let coloured = picture(coloured, None);
    assert!(apart(&coloured).0 < 3.0, "coloured paper: {:?}", apart(&coloured));
}

/// Enlarged samples, dark on white and bright on black, are the samples: what is framed well is left where it is.
#[test]
fn an_enlarged_sample_becomes_the_sample() {
    let margins = |x: usize, y: usize| if x > 0 { shirt(x, y) } else { 0 };
    for bright in [true, false] {
        let image = ImageBuffer::from_fn(280, 280, |x, y| {
            let value = margins(x as usize / 10, y as usize / 10);
            Luma([if bright { value } else { 255 - value }])
        });
        let read = picture(image, None);
        assert_eq!(read.inverted, !bright);
        let apart = (0..784).map(|place| f32::from(read.pixels[place].abs_diff(margins(place % 28, place / 28))));
        assert!(apart.clone().sum::<f32>() / 784.0 < 3.0, "{:?}", apart.collect::<Vec<_>>());
    }
}

/// A sample that fills the picture is no background: less of its border is as bright as it than is black.
#[test]
fn a_bright_sample_is_no_negative() {
    let image = ImageBuffer::from_fn(28, 28, |x, y| {
        let inside = (3..25).contains(&x) || (8..28).contains(&y);
        Luma([if inside { (100 + 5 * x + (y * 37 + x * 11) % 60) as u8 } else { 0 }])
    });
    let read = picture(image.clone(), None);
    assert_eq!((read.pixels, read.inverted), (image.into_raw(), false));
}

/// A shop's white and black garments, cut out: the first stays bright, the second becomes it.
#[test]
fn cut_outs_are_judged_by_what_is_opaque() {
    let image = |to: fn(u8) -> u8| {
        RgbaImage::from_fn(300, 300, |x, y| {
            let value = shirt(x as usize * 28 / 300, y as usize * 28 / 300);
            let grey = to(value);
            Rgba([grey, grey, grey, if value > 8 { 255 } else { 0 }])
        })
    };
    let (bright, dark) = (picture(image(|value| value), None), picture(image(|value| 255 - value), None));
    assert_eq!((bright.inverted, dark.inverted), (false, true));
    assert!(apart(&bright).0 < 5.0, "{:?}", apart(&bright));
    assert_eq!(bright.pixels, dark.pixels);
    // Of a middling brightness: the rim tells what it was before.
    let rim = |to: fn(u8) -> u8| {
        RgbaImage::from_fn(300, 300, |x, y| {
            let inside = x.min(y).min(299 - x).min(299 - y);
            let value = to(if inside < 42 { 40 } else { 130 });
            Rgba([value, value, value, if inside < 40 { 0 } else { 255 }])
        })
    };
    assert_eq!(
        [rim(|value| value), rim(|value| 255 - value)].map(|image| picture(image, None).inverted),
        [false, true]
    );
    // Rounded corners make no cut-out of a photograph.
    let even = page(448, 448);
    let rounded = RgbaImage::from_fn(448, 448, |x, y| {
        let value = even.at(x as usize, y as usize) as u8;
        Rgba([value, value, value, if x + y < 20 { 0 } else { 255 }])
    });
    assert!(picture(rounded, None).inverted);
}

/// Digits as MNIST has them: 20 pixels tall, their mass in the middle.
fn digits() -> Samples {
    let bar = |sample: usize, x: usize, y: usize| {
        // A stroke with a foot to the right, so that the middle of its rectangle is not that of its mass.
        let left = 8 + sample % 3;
        (4..24).contains(&y)
            && ((left..left + 4).contains(&x) || y >= 20 && (left..left + 5 + 3 * (sample % 3)).contains(&x))
    };
    let mut images = Vec::new();
    for sample in 0..30 {
        let grid = Grid::from_fn(28, 28, |x, y| if bar(sample, x, y) { 255.0f32 } else { 0.0 });
        let [down, across] = framing::centre_of_mass(&grid).map(|middle| (14.0 - middle).round() as isize);
        let value = |x: isize, y: isize| match (0..28).contains(&x) && (0..28).contains(&y) {
            true => grid.at(x as usize, y as usize) as u8,
            false => 0,
        };
        images.extend((0..784).map(|place| value(place % 28 - across, place / 28 - down)));
    }
    Samples { images, labels: vec![0; 30], shape: [28, 28, 1] }
}

#[test]
fn framing_is_measured() {
    let measured = Framing::of(&digits());
    assert_eq!(
        (measured.background, measured.side, measured.by_mass),
        (Some(0), Some(20.0 / 28.0), true),
        "{measured:?}"
    );
    let shirts: Vec<u8> = (0..784).map(|place| shirt(place % 28, place / 28)).collect();
    let images = [shirts.clone(), shirts].concat();
    let samples = Samples { images, labels: vec![0; 2], shape: [28, 28, 1] };
    assert_eq!(Framing::of(&samples), Framing::FASHION_MNIST);
    let white = Samples { images: samples.images.iter().map(|value| 255 - value).collect(), ..samples };
    assert_eq!(Framing::of(&white).background.map(|value| value > 240), Some(true));
    // Views of the world reach the edges, in all brightnesses.
    let images = (0..784 * 3 * 10).map(|place: usize| (place.wrapping_mul(0x9E37_79B9) >> 11) as u8).collect();
    let scenes = Framing::of(&Samples { images, labels: vec![0; 10], shape: [28, 28, 3] });
    assert_eq!((scenes.background, scenes.side), (None, None));
    assert!([measured, scenes].iter().all(Framing::is_possible));
    assert!(!Framing { side: Some(f64::NAN), ..measured }.is_possible());
    assert!(!Framing { middle: [0.5, 1.5], ..measured }.is_possible());
}

/// Whatever its margins, a digit is put where the data's are.
#[test]
fn margins_become_the_data_s() {
    let (samples, framing) = (digits(), Framing::of(&digits()));
    for sample in [0, 1, 2] {
        let expected = &samples.images[784 * sample..][..784];
        for (width, height, left, top) in [(280, 280, 0, 0), (900, 500, 600, 30), (300, 700, 10, 400)] {
            let image = ImageBuffer::from_fn(width, height, |x, y| {
                let (x, y) = ((x.wrapping_sub(left) / 10) as usize, (y.wrapping_sub(top) / 10) as usize);
                Luma([if x < 28 && y < 28 { 240 - expected[28 * y + x] / 2 } else { 240 }])
            });
            let read = of(image, SHAPE, None, framing).pixels;
            let apart = (0..784).filter(|&place| (read[place] > 60) != (expected[place] > 60)).count();
            assert!(apart <= 4, "sample {sample} on {width} x {height}: {apart} pixels differ");
        }
    }
    let white = Framing { background: Some(255), ..framing };
    let image = ImageBuffer::from_fn(28, 28, |x, y| Luma([samples.images[(28 * y + x) as usize]]));
    let read = of(image.clone(), SHAPE, None, white);
    assert_eq!((read.inverted, read.pixels[0]), (true, 255), "the data is dark on white");
    let kept = of(
        image::imageops::resize(&image, 280, 280, image::imageops::FilterType::Nearest),
        SHAPE,
        None,
        framing.with_margins_kept(),
    );
    let filled = of(
        image::imageops::resize(&image, 280, 280, image::imageops::FilterType::Nearest),
        SHAPE,
        None,
        framing.without_margins(),
    );
    assert_eq!(bright(&kept)[0], [4, 23]);
    assert_eq!(bright(&filled)[0], [0, 27]);
}

/// The same pixels, whether their colours come together or in scans of their own.
#[test]
fn separate_scans_are_decoded_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    for subsampling in [1, 2] {
        let decoded = |name: String| {
            let bytes = fs::read(folder.join(name)).unwrap();
            (jpeg::scans(&bytes), decode::decode(&bytes).unwrap().0.into_rgb8())
        };
        let (together, expected) = decoded(format!("garment_{subsampling}.jpg"));
        let (separate, read) = decoded(format!("garment_{subsampling}_scans.jpg"));
        assert_eq!([together.separate, separate.separate], [false, true]);
        let apart = read.as_raw().iter().zip(expected.as_raw()).map(|(one, other)| one.abs_diff(*other)).max();
        assert!(apart <= Some(6), "{subsampling}: {apart:?}");
        assert_eq!(expected[(60, 45)].0.map(|value| value / 16), read[(60, 45)].0.map(|value| value / 16));
    }
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/garment_2.jpg");
    let bytes = fs::read(path).unwrap();
    for length in [bytes.len() - 2, bytes.len() / 2, 700] {
        let refused = decode::decode(&bytes[..length]).unwrap_err();
        assert!(refused.starts_with("cannot be decoded"), "{length}: {refused}");
    }
    // Millions of pixels of which there is nothing.
    let size = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap() + 5;
    let mut vast = bytes;
    vast[size..size + 4].copy_from_slice(&[0x1f, 0xff, 0x1f, 0xff]);
    assert_eq!(decode::decode(&vast).unwrap_err(), format!("cannot be decoded (the file is cut off); {}", kind::GIVE));
}
