//! A reliability diagram (Niculescu-Mizil and Caruana, 2005): how often a network is right, by how sure it is.

use plotters::element::{Rectangle, Text};
use plotters::series::DashedLineSeries;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use super::figure::{Area, Drawn, Figure};
use super::legend::{self, DASHES, Entry, Mark};
use super::panel::{Axis, MANY, panel};
use super::style::{INK, PALETTE, TITLE, anchored, width};
use crate::evaluate::{Bin, Calibration};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Reliability<'a> {
    /// The expected calibration error is said after it.
    pub title: String,
    pub calibration: &'a Calibration,
}

const MARGIN: i32 = 20;
const WIDTH: i32 = 620;
/// Of the diagram, and of the samples' shares below it.
const HEIGHTS: (i32, i32) = (510, 210);
const ACCURACY: RGBColor = PALETTE[0];
const GAP: RGBColor = PALETTE[1];

impl Reliability<'_> {
    fn title(&self) -> String {
        format!("{}: expected calibration error {:.2} %", self.title, 100.0 * self.calibration.expected_error)
    }

    fn legend() -> [Entry; 3] {
        let entry = |mark, colour, words: &str| Entry { mark, colour, words: words.into() };
        [
            entry(Mark::Block, ACCURACY, "accuracy"),
            entry(Mark::Block, GAP, "gap to the mean confidence"),
            entry(Mark::Dashed, INK, "perfect calibration"),
        ]
    }

    /// The height of what is above the diagram.
    fn head(&self) -> i32 {
        MARGIN + TITLE as i32 + 14 + legend::height(&Self::legend(), WIDTH - 2 * MARGIN)
    }
}

impl Figure for Reliability<'_> {
    fn size(&self) -> (u32, u32) {
        let across = WIDTH.max(width(&self.title(), TITLE) + 2 * MARGIN);
        (across.unsigned_abs(), (self.head() + HEIGHTS.0 + HEIGHTS.1).unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        legend::draw(area, &Self::legend(), (MARGIN, MARGIN + TITLE as i32 + 14), WIDTH - 2 * MARGIN)?;
        let (_, rest) = area.split_vertically(self.head());
        let (rest, _) = rest.split_horizontally(WIDTH);
        let (above, below) = rest.split_vertically(HEIGHTS.0);
        let bins = &self.calibration.bins;
        let edge = |place: usize| place as f64 / bins.len() as f64;
        // A little narrower than the bin, so that neighbours of the same height can be told apart.
        let inset = 0.06 / bins.len() as f64;
        let bar = |place: usize, from: f64, to: f64, colour: RGBColor| {
            Rectangle::new([(edge(place) + inset, from), (edge(place + 1) - inset, to)], colour.filled())
        };
        let filled = || bins.iter().enumerate().filter(|(_, bin)| bin.samples > 0);

        let axis = |title: &str, parts| Axis::new(title, [0.0, 1.0], parts);
        let mut chart = panel(&above, &axis("", MANY), &axis("accuracy", MANY))?;
        chart.draw_series(filled().map(|(place, bin)| bar(place, 0.0, bin.accuracy, ACCURACY)))?;
        chart.draw_series(filled().map(|(place, bin)| {
            let inner = 3.0 * inset;
            let corners = [(edge(place) + inner, bin.accuracy), (edge(place + 1) - inner, bin.confidence)];
            Rectangle::new(corners, GAP.filled())
        }))?;
        let diagonal = [(0.0, 0.0), (1.0, 1.0)];
        chart.draw_series(DashedLineSeries::new(diagonal, DASHES.0, DASHES.1, INK.stroke_width(2)))?;

        let samples = bins.iter().map(|bin| bin.samples).sum::<u64>().max(1) as f64;
        let mut chart = panel(&below, &axis("confidence of the likeliest class", MANY), &axis("share of samples", 4))?;
        let share = |(place, bin): (usize, &Bin)| bar(place, 0.0, bin.samples as f64 / samples, ACCURACY);
        chart.draw_series(filled().map(share))?;
        Ok(())
    }
}
