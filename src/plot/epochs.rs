//! Samples as epochs see them: a row a sample, first as it is.

use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::bitmap::Bitmap;
use super::figure::{Area, Drawn, Figure};
use super::samples::Samples;
use super::style::{FAINT, TEXT, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Epochs<'a> {
    pub title: String,
    /// Row by row: a sample as it is, then as each epoch sees it.
    pub samples: Samples<'a>,
}

const MARGIN: i32 = 10;
/// The height of what is above the samples.
const HEAD: i32 = MARGIN + TITLE as i32 + 16 + TEXT as i32;

impl Figure for Epochs<'_> {
    fn size(&self) -> (u32, u32) {
        let (across, down) = self.samples.size();
        (across.max(width(&self.title, TITLE).unsigned_abs() + 2 * MARGIN as u32), down + HEAD as u32)
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        let (_, rest) = area.split_vertically(HEAD);
        let frames = (0..self.samples.samples.len()).map(|place| self.samples.frame(place));
        for (place, [(left, top), (right, bottom)]) in frames.enumerate() {
            // Where an image moved, or was cut out, is seen by its edges.
            rest.draw(&Rectangle::new([(left - 1, top - 1), (right, bottom)], FAINT.stroke_width(1)))?;
            if place < self.samples.columns {
                let heading = if place == 0 { "as it is".to_owned() } else { format!("epoch {place}") };
                let at = ((left + right) / 2, HEAD - 2);
                area.draw(&Text::new(heading, at, anchored(TEXT, HPos::Center, VPos::Bottom)))?;
            }
        }
        let (_, height) = self.size();
        if self.samples.columns > 1 && self.samples.samples.len() > 1 {
            let between = (self.samples.frame(0)[1].0 + self.samples.frame(1)[0].0) / 2;
            let line = [(between, MARGIN), (between, height as i32 - HEAD - MARGIN)];
            rest.draw(&PathElement::new(line, FAINT.stroke_width(1)))?;
        }
        self.samples.draw(&rest)
    }

    fn bitmaps(&self) -> Vec<Bitmap> {
        self.samples.bitmaps().into_iter().map(|bitmap| bitmap.moved((0, HEAD))).collect()
    }
}
