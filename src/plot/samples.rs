//! Samples side by side, each with what there is to say about it below.

use plotters::element::Text;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::bitmap::Bitmap;
use super::figure::{Area, Drawn, Figure};
use super::style::{TEXT, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    /// The shape of each image, `[H, W, C]`. One or two channels are drawn as ink on white paper (0 is white), so
    /// Fashion-MNIST's white on black clothes become black on white; of three or more, the first are red, green and blue.
    pub shape: [usize; 3],
    /// Images a row, at least 1.
    pub columns: usize,
    pub samples: Vec<Sample<'a>>,
}

/// One image.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// `[H, W, C]`
    pub pixels: &'a [u8],
    /// Any number of lines.
    pub caption: String,
    /// Of the caption.
    pub colour: RGBColor,
}

/// From one line of a caption to the next.
const LINE: i32 = 20;
/// Around each image with its caption, on either side.
const MARGIN: i32 = 10;
/// What an image measures at least, in its longer direction; and at most, where captions are wider.
const SMALLEST: i32 = 112;
const LARGEST: i32 = 168;

impl Samples<'_> {
    fn widest_caption(&self) -> i32 {
        let lines = self.samples.iter().flat_map(|sample| sample.caption.lines());
        lines.map(|line| width(line, TEXT)).max().unwrap_or(0)
    }

    /// An image's width and height in the picture: about as wide as the captions, its pixels whole squares unless they
    /// are too many.
    fn image(&self) -> (i32, i32) {
        let [height, width, _] = self.shape;
        let longest = height.max(width) as f64;
        let scale = f64::from(self.widest_caption().clamp(SMALLEST, LARGEST)) / longest;
        let scale = if scale < 1.0 { scale } else { scale.floor() };
        let scaled = |length: usize| ((length as f64 * scale) as i32).max(1);
        (scaled(width), scaled(height))
    }

    /// The width and height of an image with its caption and its margin.
    fn cell(&self) -> (i32, i32) {
        let (width, height) = self.image();
        let lines = self.samples.iter().map(|sample| sample.caption.lines().count()).max().unwrap_or(0) as i32;
        (width.max(self.widest_caption()) + 2 * MARGIN, height + lines * LINE + 2 * MARGIN)
    }

    /// The upper left corner of a sample's cell.
    fn corner(&self, place: usize) -> (i32, i32) {
        let (width, height) = self.cell();
        ((place % self.columns) as i32 * width, (place / self.columns) as i32 * height)
    }

    /// The upper left and the lower right corner of a sample's image.
    pub(super) fn frame(&self, place: usize) -> [(i32, i32); 2] {
        let ((x, y), (cell, _), (width, height)) = (self.corner(place), self.cell(), self.image());
        let (left, top) = (x + (cell - width) / 2, y + MARGIN);
        [(left, top), (left + width, top + height)]
    }
}

impl Figure for Samples<'_> {
    fn size(&self) -> (u32, u32) {
        let (width, height) = self.cell();
        let columns = self.columns.min(self.samples.len()).max(1);
        let rows = self.samples.len().div_ceil(self.columns).max(1);
        (columns as u32 * width.unsigned_abs(), rows as u32 * height.unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        let (width, _) = self.cell();
        let (_, height) = self.image();
        for (place, sample) in self.samples.iter().enumerate() {
            let (x, y) = self.corner(place);
            let style = anchored(TEXT, HPos::Center, VPos::Top).color(&sample.colour);
            for (line, words) in (0..).zip(sample.caption.lines()) {
                let at = (x + width / 2, y + MARGIN + height + 6 + line * LINE);
                area.draw(&Text::new(words, at, style.clone()))?;
            }
        }
        Ok(())
    }

    fn bitmaps(&self) -> Vec<Bitmap> {
        let (width, height) = self.image();
        let bitmap = |(place, sample): (usize, &Sample)| {
            let [corner, _] = self.frame(place);
            Bitmap::new(corner, (width.unsigned_abs(), height.unsigned_abs()), sample.pixels, self.shape)
        };
        self.samples.iter().enumerate().map(bitmap).collect()
    }
}
