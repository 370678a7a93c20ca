//! Principal components as pictures: where a sample that has much of one is brighter or darker than the mean.

use plotters::element::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor, WHITE};

use super::bitmap::Bitmap;
use super::figure::{Area, Drawn, Figure};
use super::samples::{Sample, Samples};
use super::style::{FAINT, INK, SMALL, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Components<'a> {
    pub title: String,
    /// The shape of each component, `[H, W, C]`. Of several channels each is a picture, beside the others.
    pub shape: [usize; 3],
    /// Components a row, at least 1.
    pub columns: usize,
    pub components: Vec<Component<'a>>,
}

/// One component.
#[derive(Clone, Debug)]
pub struct Component<'a> {
    /// `[H, W, C]`, finite. The one farthest from 0 has the darkest colour, and 0 is white.
    pub values: &'a [f32],
    /// Any number of lines.
    pub caption: String,
}

const MARGIN: i32 = 10;
/// The colours of the least values and of the largest, with three between those and 0: ColorBrewer's RdBu, whose halves
/// people with any kind of colour vision tell apart.
const BELOW: [RGBColor; 5] =
    [WHITE, RGBColor(209, 229, 240), RGBColor(146, 197, 222), RGBColor(67, 147, 195), RGBColor(5, 48, 97)];
const ABOVE: [RGBColor; 5] =
    [WHITE, RGBColor(253, 219, 199), RGBColor(244, 165, 130), RGBColor(214, 96, 77), RGBColor(103, 0, 31)];
/// The scale's width and height, and what is written at its ends and in its middle.
const SCALE: (i32, i32) = (240, 14);
const WORDS: [&str; 3] = ["negative", "0", "positive"];

/// The colour of -1 to 1.
fn shade(value: f64) -> [u8; 3] {
    let colours = if value < 0.0 { BELOW } else { ABOVE };
    let place = value.abs().min(1.0) * (colours.len() - 1) as f64;
    let (from, to) = (colours[place as usize], colours[(place as usize + 1).min(colours.len() - 1)]);
    let mix = |from: u8, to: u8| (f64::from(from) + place.fract() * (f64::from(to) - f64::from(from))).round() as u8;
    [mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2)]
}

impl Components<'_> {
    /// The pictures, a component's channels one after the other: red, green and blue of their pixels.
    fn pixels(&self) -> Vec<Vec<u8>> {
        let channels = self.shape[2];
        let pictures = |component: &Component| {
            let most = component.values.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
            let pixel = |value: &f32| shade(f64::from(value / most));
            let picture = |channel| component.values[channel..].iter().step_by(channels).flat_map(pixel).collect();
            (0..channels).map(picture).collect::<Vec<_>>()
        };
        self.components.iter().flat_map(pictures).collect()
    }

    /// The pictures with their captions.
    fn samples<'p>(&self, pixels: &'p [Vec<u8>]) -> Samples<'p> {
        let [height, width, channels] = self.shape;
        let sample = |(place, pixels): (usize, &'p Vec<u8>)| {
            let caption = &self.components[place / channels].caption;
            let channel = format!("{caption}\nchannel {} of {channels}", place % channels + 1);
            Sample { pixels, caption: if channels == 1 { caption.clone() } else { channel }, colour: INK }
        };
        let samples = pixels.iter().enumerate().map(sample).collect();
        Samples { shape: [height, width, 3], columns: self.columns * channels, samples }
    }

    /// The height of what is above the pictures.
    fn head() -> i32 {
        MARGIN + TITLE as i32 + 14 + SCALE.1 + 6 + SMALL as i32 + MARGIN
    }

    /// The upper left corner of the scale: its words begin with the title.
    fn scale() -> (i32, i32) {
        (MARGIN + width(WORDS[0], SMALL) / 2, MARGIN + TITLE as i32 + 14)
    }
}

impl Figure for Components<'_> {
    fn size(&self) -> (u32, u32) {
        let (across, down) = self.samples(&vec![Vec::new(); self.components.len() * self.shape[2]]).size();
        let scale = Self::scale().0 + SCALE.0 + width(WORDS[2], SMALL) / 2 + MARGIN;
        let head = scale.max(width(&self.title, TITLE) + 2 * MARGIN).unsigned_abs();
        (across.max(head), down + Self::head().unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        let (left, top) = Self::scale();
        area.draw(&Rectangle::new([(left - 1, top - 1), (left + SCALE.0, top + SCALE.1)], FAINT.stroke_width(1)))?;
        for (part, words) in (0..).zip(WORDS) {
            let at = (left + part * SCALE.0 / 2, top + SCALE.1 + 6);
            area.draw(&Text::new(words, at, anchored(SMALL, HPos::Center, VPos::Top)))?;
        }
        let (_, rest) = area.split_vertically(Self::head());
        let pixels = self.pixels();
        let samples = self.samples(&pixels);
        for place in 0..samples.samples.len() {
            let [(left, top), (right, bottom)] = samples.frame(place);
            rest.draw(&Rectangle::new([(left - 1, top - 1), (right, bottom)], FAINT.stroke_width(1)))?;
        }
        samples.draw(&rest)
    }

    fn bitmaps(&self) -> Vec<Bitmap> {
        let pixels = self.pixels();
        let bitmaps = self.samples(&pixels).bitmaps();
        let colours: Vec<u8> =
            (0..SCALE.0).flat_map(|x| shade(2.0 * f64::from(x) / f64::from(SCALE.0 - 1) - 1.0)).collect();
        let size = (SCALE.0.unsigned_abs(), SCALE.1.unsigned_abs());
        let scale = Bitmap::new(Self::scale(), size, &colours, [1, colours.len() / 3, 3]);
        bitmaps.into_iter().map(|bitmap| bitmap.moved((0, Self::head()))).chain([scale]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_symmetric_about_white() {
        assert_eq!((shade(0.0), shade(-0.0)), ([255; 3], [255; 3]));
        let rgb = |colour: RGBColor| [colour.0, colour.1, colour.2];
        assert_eq!((shade(-1.0), shade(1.0)), (rgb(BELOW[4]), rgb(ABOVE[4])));
        for value in (1..=100).map(|percent| f64::from(percent) / 100.0) {
            let ([red, _, blue], [other_red, _, other_blue]) = (shade(value), shade(-value));
            assert!(red > blue && other_blue > other_red, "{value}");
        }
    }

    #[test]
    fn channels_are_pictures_of_their_own_on_their_component_s_scale() {
        let components = |shape, values| Components {
            title: String::new(),
            shape,
            columns: 1,
            components: vec![Component { values, caption: String::new() }],
        };
        let [least, none, most] = [-1.0, 0.0, 1.0].map(shade);
        assert_eq!(components([1, 3, 1], &[-0.5, 0.0, 0.5]).pixels(), [[least, none, most].concat()]);
        let two = components([2, 1, 2], &[-2.0, 0.0, 2.0, 2.0]);
        assert_eq!(two.pixels(), [[least, most].concat(), [none, most].concat()]);
        assert_eq!(components([1, 1, 1], &[0.0]).pixels(), [none]);
    }
}
