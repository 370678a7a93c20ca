//! Images and labels from IDX files, as this program has them: bytes. What other types and shapes say without ambiguity is
//! taken, and said where it is not plain; nothing is guessed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::array::{Array, Problem};
use super::own::fetch_again;
use super::problem::problem_with;
use crate::error::{Error, Result};
use crate::sniff::{self, Wanted};

/// Images as an IDX file holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// The pixels, 0 to 255, in `[N, H, W, C]` order.
    pub pixels: Vec<u8>,
    /// `[N, H, W, C]`, none of them zero. `C` is 1 for a file of rank 3.
    pub shape: [usize; 4],
    /// The SHA-256 of the unpacked file, header included, in lowercase hexadecimal.
    pub sha256: String,
    /// As what the file was taken, where that is not plain.
    pub note: Option<String>,
}

impl Images {
    /// Reads the IDX file at `path`, plain or gzip, of rank 3 `[N, H, W]` or 4 `[N, H, W, C]`; also `[N, C, H, W]` and
    /// `[N, H * W]` of square images. Values are bytes, or whole numbers of other types from 0 to 255, or floats from 0
    /// to 1 or to 255, which are rounded to bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] when the file cannot be read or is not exactly such a file.
    pub fn read(path: &Path) -> Result<Self> {
        open(path).and_then(|source| Self::of(source).map_err(|problem| told(path, problem, &|| fetch_again(path))))
    }

    /// Like [`Images::read`], from any source; `name` is what its errors call it.
    ///
    /// # Errors
    ///
    /// See [`Images::read`].
    pub fn decode(name: &Path, source: impl Read) -> Result<Self> {
        Self::of(source).map_err(|problem| told(name, problem, &|| None))
    }

    fn of(source: impl Read) -> std::result::Result<Self, Problem> {
        let mut array = Array::read(source)?;
        let (shape, as_what) = image_shape(&array.sizes)?;
        let (mut pixels, rounded) = match array.take_bytes() {
            Some(bytes) => Ok((bytes, None)),
            None if array.is_of_integers() => whole(array.values(), "pixel").map(|bytes| (bytes, None)),
            None => brightness(&array),
        }
        .map_err(|problem| array.byte_order_or(problem))?;
        if matches!(as_what, Some(Layout::ChannelsFirst)) {
            pixels = channels_last(&pixels, shape);
        }
        let [_, height, width, channels] = shape;
        let note =
            as_what.map(|_| format!("each image of {:?} taken as {height} x {width} x {channels}", &array.sizes[1..]));
        let note = match (note, rounded) {
            (Some(note), Some(rounded)) => Some(format!("{note}, {rounded}")),
            (note, rounded) => note.or(rounded),
        };
        Ok(Self { pixels, shape, sha256: array.sha256, note })
    }
}

/// Labels as an IDX file holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The class of each sample, `[N]`, with `N` at least 1.
    pub classes: Vec<u8>,
    /// The SHA-256 of the unpacked file, header included, in lowercase hexadecimal.
    pub sha256: String,
    /// As what the file was taken, where that is not plain.
    pub note: Option<String>,
}

impl Labels {
    /// Reads the IDX file at `path`, plain or gzip, of rank 1 `[N]` or `[N, 1]`, of any type whose values are whole numbers
    /// from 0 to 255; also one-hot labels `[N, classes]`, and QMNIST's `[N, 8]`, of which the first column is the class.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] when the file cannot be read or is not exactly such a file.
    pub fn read(path: &Path) -> Result<Self> {
        open(path).and_then(|source| Self::of(source).map_err(|problem| told(path, problem, &|| fetch_again(path))))
    }

    /// Like [`Labels::read`], from any source; `name` is what its errors call it.
    ///
    /// # Errors
    ///
    /// See [`Labels::read`].
    pub fn decode(name: &Path, source: impl Read) -> Result<Self> {
        Self::of(source).map_err(|problem| told(name, problem, &|| None))
    }

    fn of(source: impl Read) -> std::result::Result<Self, Problem> {
        let mut array = Array::read(source)?;
        let columns = match array.sizes.as_slice() {
            [_, inner @ ..] if inner.iter().all(|&size| size == 1) => None,
            &[_, columns] => Some(columns),
            _ => return Err(swapped(&array.sizes, "labels", "images")),
        };
        let (classes, note) = match columns {
            Some(columns) => rows(&array, columns),
            None => match array.take_bytes() {
                Some(bytes) => Ok((bytes, None)),
                None => whole(array.values(), "label").map(|bytes| (bytes, None)),
            },
        }
        .map_err(|problem| array.byte_order_or(problem))?;
        Ok(Self { classes, sha256: array.sha256, note })
    }
}

/// How the pixels of a file lie that has them in another order than `[N, H, W]` or `[N, H, W, C]`.
#[derive(Clone, Copy)]
enum Layout {
    ChannelsFirst,
    Flat,
}

/// The shape `[N, H, W, C]` of images of these sizes.
fn image_shape(sizes: &[usize]) -> std::result::Result<([usize; 4], Option<Layout>), Problem> {
    match *sizes {
        [count, height, width] => Ok(([count, height, width, 1], None)),
        // No image has so many channels, and is one pixel or three high.
        [count, channels @ (1 | 3), height, width] if height == width && width > 4 => {
            Ok(([count, height, width, channels], Some(Layout::ChannelsFirst)))
        }
        [count, height, width, channels] => Ok(([count, height, width, channels], None)),
        [_] | [_, 1] => Err(swapped(sizes, "images", "labels")),
        [count, pixels, ..] => match pixels.isqrt() {
            side if side * side == pixels => Ok(([count, side, side, 1], Some(Layout::Flat))),
            _ => Err(Problem::new(
                format!("each image is a row of {pixels} values, of which its height and width do not follow"),
                "write the images as [N, H, W] or [N, H, W, C]",
            )),
        },
        [] => Err(swapped(sizes, "images", "labels")),
    }
}

fn swapped(sizes: &[usize], wanted: &str, found: &str) -> Problem {
    let what = format!("has the dimensions {sizes:?}, which are those of {found}, not of {wanted}");
    Problem::new(what, format!("put the {wanted} here; perhaps the files of images and labels are swapped"))
}

/// The pixels of `[N, C, H, W]` as `[N, H, W, C]`, which is the `shape`.
fn channels_last(pixels: &[u8], shape: [usize; 4]) -> Vec<u8> {
    let [_, height, width, channels] = shape;
    let plane = height * width;
    let images = pixels.chunks_exact(plane * channels);
    images.flat_map(|image| (0..plane * channels).map(|at| image[at % channels * plane + at / channels])).collect()
}

/// Whole numbers from 0 to 255 as bytes; `what` is what an error calls one.
fn whole(values: impl Iterator<Item = f64>, what: &str) -> std::result::Result<Vec<u8>, Problem> {
    let byte = |(place, value): (usize, f64)| match value {
        0.0..=255.0 if value.fract() == 0.0 => Ok(value as u8),
        _ => Err(Problem::new(
            format!("{what} {place} is {value}, which is no whole number from 0 to 255"),
            format!("write {what}s from 0 to 255"),
        )),
    };
    values.enumerate().map(byte).collect()
}

/// Floats as bytes: from 0 to 1, or else from 0 to 255. With what there is to say of it where they are rounded.
fn brightness(array: &Array) -> std::result::Result<(Vec<u8>, Option<String>), Problem> {
    // A number that is none is no minimum, nor a maximum.
    let (least, most) = array.values().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
        if value.is_nan() { (f64::NEG_INFINITY, most) } else { (least.min(value), most.max(value)) }
    });
    // What is black throughout, and is not zero, are other numbers.
    if least < 0.0 || most > 255.0 || most > 0.0 && most < 1.0 / 512.0 {
        let range = if least.is_finite() { format!("from {least} to {most}") } else { "some of them no number".into() };
        return Err(Problem::new(
            format!("its pixels are floats, {range}, which are no brightnesses"),
            "write them from 0 to 1, or from 0 to 255",
        ));
    }
    let scale = if most <= 1.0 { 255.0 } else { 1.0 };
    let mut apart = 0_f64;
    let pixels = array.values().map(|value| {
        let rounded = (scale * value).round();
        apart = apart.max((scale * value - rounded).abs());
        rounded as u8
    });
    let pixels = pixels.collect();
    // Bytes / 255 as f32 have it are at most 2e-5 off.
    let note = (apart > 1e-3).then(|| format!("pixels are floats up to {most}, rounded to 256 grey levels"));
    Ok((pixels, note))
}

/// Labels with several values a sample.
fn rows(array: &Array, columns: usize) -> std::result::Result<(Vec<u8>, Option<String>), Problem> {
    if let Some(classes) = one_hot(array, columns) {
        return Ok((classes, Some(format!("one-hot labels of {columns} classes"))));
    }
    if columns == 8 && array.is_of_words() {
        let classes = whole(array.values().step_by(columns), "label")?;
        return Ok((classes, Some("QMNIST's labels: of 8 values a sample, the first is taken as the class".into())));
    }
    let what = format!("{columns} values a sample, which are neither a class nor one-hot");
    Err(Problem::new(what, "write the classes as [N]"))
}

/// The classes, if each row has a single one and otherwise zeros.
fn one_hot(array: &Array, columns: usize) -> Option<Vec<u8>> {
    let mut classes = Vec::new();
    let mut row = None;
    for (place, value) in array.values().enumerate() {
        match value {
            0.0 => {}
            1.0 if row.is_none() => row = Some(u8::try_from(place % columns).ok()?),
            _ => return None,
        }
        if place % columns == columns - 1 {
            classes.push(row.take()?);
        }
    }
    Some(classes)
}

fn open(path: &Path) -> Result<io::BufReader<File>> {
    const REMEDY: &str = "give the folder that the four files are in";
    let unreadable = |error| problem_with(path, sniff::unreadable(path, &error, Wanted::Idx, REMEDY));
    let file = File::open(path).map_err(unreadable)?;
    if path.is_dir() {
        return Err(problem_with(path, sniff::folder(path).line(Wanted::Idx, REMEDY)));
    }
    Ok(io::BufReader::with_capacity(1 << 16, file))
}

/// The problem with the file `name` in one line. What is not whole may be fetched again, as `fetch` says.
fn told(name: &Path, Problem { what, remedy }: Problem, fetch: &dyn Fn() -> Option<String>) -> Error {
    let anew = || fetch().unwrap_or_else(|| "put a whole copy of the file in its place".into());
    problem_with(name, format!("{what}; {}", remedy.unwrap_or_else(anew)))
}
