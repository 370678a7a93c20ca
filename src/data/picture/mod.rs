//! Anyone's picture as the data set's authors made theirs. For Fashion-MNIST (Xiao, Rasul and Vollgraf, "Fashion-MNIST",
//! 2017, section 2) that is: margins cut off, the longer side as long as the network's input, in the middle of it, bright
//! on black. Other data is framed otherwise; [`Framing`] says how.
//!
//! A file is read (`source`) and decoded (`decode`, `jpeg`, `kind`), and made smaller (`shrink`) to a few pixels for each of
//! the network's. Lines along the edges go (`edges`); the background with the light on it is estimated (`background`,
//! `surface`), what differs from it is the object (`components`), and what it is beside the background is brightness. A
//! cut-out's object is what is opaque (`cutout`). The object is put where the data has it (`framing`, `place`).

mod background;
mod components;
mod cutout;
mod decode;
mod edges;
mod framing;
mod grid;
mod jpeg;
mod kind;
mod place;
mod shrink;
mod source;
mod statistics;
mod surface;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;

use super::problem::problem_with;
use crate::error::Result;
use background::Background;
pub use framing::Framing;
use grid::{CLOSE, Grid, luma};
use shrink::Colour;
use statistics::commonest;

/// A picture that a network can be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The pixels, 0 to 255, in `[H, W, C]` order.
    pub pixels: Vec<u8>,
    /// Whether it is the negative of what was read.
    pub inverted: bool,
}

/// What a picture is to become.
#[derive(Clone, Copy, Debug)]
pub struct Preparation {
    /// The network's input, `[H, W, C]` with one or three channels.
    pub shape: [usize; 3],
    /// Whether to take the negative. Where that is left open, an object that is darker than its background is made
    /// brighter than it, or the other way round where the data's backgrounds are bright.
    pub invert: Option<bool>,
    /// How the data's own pictures are framed.
    pub framing: Framing,
}

/// Where the noise's standard deviation is more, what is compared with the background are means of nine pixels, and the
/// least difference is this much, or twice the noise: six standard deviations of such a mean.
const NOISY: f32 = 1.5;
const CLOSE_IN_NOISE: f32 = 8.0;

/// How many pixels around the object still are its own: smoothing and compression reach that far.
const FRINGE: usize = 3;

/// An object on nothing: what is to be framed.
struct Seen {
    /// Colours from 0 to 255.
    picture: Grid<[f32; 3]>,
    /// The object's pixels; none where the picture is to stay as it is.
    object: Option<Grid<bool>>,
    /// The colour around it.
    around: [f32; 3],
    inverted: bool,
}

impl Picture {
    /// Reads a PNG, JPEG, WebP, BMP or GIF (its first picture) of any size and mode.
    ///
    /// # Errors
    /// [`Error::Data`](crate::error::Error::Data) where the file is no such picture, or too large.
    pub fn read(path: &Path, preparation: &Preparation) -> Result<Self> {
        let read = || Self::decode(&source::open(path)?, preparation);
        read().map_err(|problem| problem_with(path, problem))
    }

    /// Reads such a picture from a stream to its end; `name` is for messages.
    ///
    /// # Errors
    /// See [`read`](Self::read).
    pub fn read_from(stream: impl Read, name: &Path, preparation: &Preparation) -> Result<Self> {
        let read = || Self::decode(&source::read(stream)?, preparation);
        read().map_err(|problem| problem_with(name, problem))
    }

    /// The picture in a file's bytes.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn decode(bytes: &[u8], preparation: &Preparation) -> std::result::Result<Self, String> {
        let (image, orientation) = decode::decode(bytes)?;
        let factor = factor(image.width().max(image.height()) as usize, preparation.shape);
        let colours = shrink::shrink(&image, factor, orientation);
        drop(image);
        Ok(Self::new(&colours, preparation))
    }

    fn new(colours: &Grid<Colour>, preparation: &Preparation) -> Self {
        let Preparation { shape, invert, framing } = *preparation;
        // What follows makes an object bright on black; the data's own may be dark on white.
        let negative = framing.background.is_some_and(|background| background > 127);
        let invert = invert.map(|invert| invert != negative);
        let small = colours.width <= shape[1] && colours.height <= shape[0];
        let seen = match framing.background {
            None => as_it_is(over_white(colours), invert.unwrap_or(false)),
            Some(_) if cutout::is_cutout(colours) => cut_out(colours, invert),
            // What is as small as the data set's own pictures has its margins for a reason.
            Some(_) if small => small_picture(over_white(colours), invert),
            Some(_) => photograph(over_white(colours), invert),
        };
        let object = seen.object.as_ref().filter(|_| !small);
        let mut pixels = place::place(&seen.picture, object, seen.around, shape, &framing);
        if negative {
            pixels.iter_mut().for_each(|value| *value = 255 - *value);
        }
        Self { pixels, inverted: seen.inverted != negative }
    }
}

/// By how much to make a picture smaller: what is left is at least eight times as long as the network's input, or has 1024
/// pixels, and less than twice that.
fn factor(longer: usize, shape: [usize; 3]) -> usize {
    let input = shape[0].max(shape[1]);
    (longer / (8 * input).min(1024).max(input)).max(1)
}

/// As it looks on white paper.
fn over_white(picture: &Grid<Colour>) -> Grid<[f32; 3]> {
    picture.map(|[red, green, blue, opacity]| [red, green, blue].map(|value| value + 255.0 * (1.0 - opacity)))
}

/// The picture with its background, or its negative.
fn as_it_is(picture: Grid<[f32; 3]>, inverted: bool) -> Seen {
    let picture = if inverted { picture.map(|colour| colour.map(|value| 255.0 - value)) } else { picture };
    let (background, _) = edge(&picture);
    let border = picture.border().map(|(x, y)| picture.at(x, y));
    let near = border.filter(|colour| (luma(*colour) - f32::from(background)).abs() <= CLOSE);
    let (sum, count) = near.fold(([0.0; 3], 0.0f32), |(sum, count), colour| {
        ([0, 1, 2].map(|channel| sum[channel] + colour[channel]), count + 1.0)
    });
    Seen { around: sum.map(|sum| sum / count.max(1.0)), picture, object: None, inverted }
}

/// The commonest brightness of the outermost pixels, and how many have it.
fn edge(picture: &Grid<[f32; 3]>) -> (u8, usize) {
    let border = picture.border().map(|(x, y)| luma(picture.at(x, y)).round() as u8);
    commonest(border, CLOSE as u8)
}

fn small_picture(picture: Grid<[f32; 3]>, invert: Option<bool>) -> Seen {
    let inverted = invert.unwrap_or_else(|| edge(&picture).0 > 127);
    as_it_is(picture, inverted)
}

/// The opaque part, on black.
fn cut_out(picture: &Grid<Colour>, invert: Option<bool>) -> Seen {
    let object = components::object(&cutout::opaque(picture), &picture.map(|[.., opacity]| opacity));
    let inverted = invert.unwrap_or_else(|| cutout::was_on_white(picture, &object));
    let colour = |[red, green, blue, opacity]: Colour| {
        [red, green, blue].map(|value| if inverted { 255.0 * opacity - value } else { value })
    };
    let picture = only(&object, &picture.map(colour));
    Seen { picture, object: Some(object), around: [0.0; 3], inverted }
}

/// The object as it would look on black: light that falls on it falls on the paper around it, too, so a dark object is as
/// dark as its brightness is a smaller part of the paper's (and a bright one likewise, seen as a negative).
fn photograph(picture: Grid<[f32; 3]>, invert: Option<bool>) -> Seen {
    let picture = picture.crop(edges::within_frame(&picture.map(luma)));
    let background = Background::of(&picture);
    let beside = |x: usize, y: usize| {
        let (colour, background) = (picture.at(x, y), background.at(x, y));
        [0, 1, 2].map(|channel| colour[channel] - background[channel])
    };
    let difference = Grid::from_fn(picture.width, picture.height, beside);
    let contrast = |colour: [f32; 3]| colour.into_iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    let mask = match background.noise > NOISY {
        true => difference.smoothed().map(|colour| contrast(colour) > CLOSE_IN_NOISE.max(2.0 * background.noise)),
        false => difference.map(|colour| contrast(colour) > CLOSE),
    };
    let object = components::object(&mask, &difference.map(contrast));
    let sum: f32 =
        object.values.iter().zip(&difference.values).filter(|(own, _)| **own).map(|(_, value)| luma(*value)).sum();
    let on_white = if sum == 0.0 { luma(background.at(0, 0)) > 127.0 } else { sum < 0.0 };
    let inverted = invert.unwrap_or(on_white);
    if inverted != on_white {
        return Seen { object: Some(object), ..as_it_is(picture, inverted) };
    }
    let bright = |x: usize, y: usize| {
        let (difference, background) = (difference.at(x, y), background.at(x, y));
        [0, 1, 2].map(|channel| match inverted {
            true => -255.0 * difference[channel] / background[channel].max(1.0),
            false => 255.0 * difference[channel] / (255.0 - background[channel]).max(1.0),
        })
    };
    let picture = only(&object, &Grid::from_fn(picture.width, picture.height, bright));
    Seen { picture, object: Some(object), around: [0.0; 3], inverted }
}

/// The picture without what is not the object, near it, or enclosed by it.
fn only(object: &Grid<bool>, picture: &Grid<[f32; 3]>) -> Grid<[f32; 3]> {
    let own = object.filled_and_grown(FRINGE);
    Grid::from_fn(picture.width, picture.height, |x, y| if own.at(x, y) { picture.at(x, y) } else { [0.0; 3] })
}
