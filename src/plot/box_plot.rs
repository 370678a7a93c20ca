//! Box plots (Tukey, 1977) side by side: medians, quartiles, whiskers, and each value.

use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::figure::{Area, Drawn, Figure};
use super::panel::{Axis, panel};
use super::style::{INK, PALETTE, SMALL, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct BoxPlot {
    pub title: String,
    /// What the values are, from left to right.
    pub order: String,
    /// Each has an axis of its own.
    pub boxes: Vec<Values>,
}

/// Values of one kind.
#[derive(Clone, Debug)]
pub struct Values {
    pub name: String,
    /// At least one, all finite; drawn from left to right in this order.
    pub values: Vec<f64>,
    /// What the kind cannot go beyond: `[0.0, 1.0]` for an accuracy.
    pub limits: [f64; 2],
}

/// Five numbers that a box shows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Summary {
    quartiles: [f64; 3],
    /// The values farthest from the box that are no farther than 1.5 times its height.
    whiskers: [f64; 2],
}

const MARGIN: i32 = 20;
const WIDTH: i32 = 360;
const HEIGHT: i32 = 440;

impl Summary {
    fn new(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        // Between the two nearest values in proportion, as NumPy's percentile does.
        let quantile = |part: f64| {
            let place = part * (sorted.len() - 1) as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            below + place.fract() * (above - below)
        };
        let quartiles = [0.25, 0.5, 0.75].map(quantile);
        let reach = 1.5 * (quartiles[2] - quartiles[0]);
        let reached = |value: &&f64| (quartiles[0] - reach..=quartiles[2] + reach).contains(*value);
        let lowest = sorted.iter().find(reached).copied().unwrap_or(quartiles[0]);
        let highest = sorted.iter().rfind(reached).copied().unwrap_or(quartiles[2]);
        Self { quartiles, whiskers: [lowest.min(quartiles[0]), highest.max(quartiles[2])] }
    }
}

impl Figure for BoxPlot {
    fn size(&self) -> (u32, u32) {
        let across = (WIDTH * self.boxes.len() as i32).max(width(&self.title, TITLE) + 2 * MARGIN);
        (across.unsigned_abs(), (MARGIN + TITLE as i32 + HEIGHT).unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        let (_, mut rest) = area.split_vertically(MARGIN + TITLE as i32);
        for kind in &self.boxes {
            let (part, others) = rest.split_horizontally(WIDTH);
            rest = others;
            let axis = Axis::over(&kind.name, kind.values.iter().copied(), kind.limits);
            let chart = panel(&part, &Axis::bare(&self.order), &axis)?;
            let pixel = |x: f64, y: f64| chart.backend_coord(&(x, y));
            let Summary { quartiles: [lower, median, upper], whiskers } = Summary::new(&kind.values);
            let line = |from, to, thick| PathElement::new([from, to], INK.stroke_width(thick));
            for (whisker, end) in whiskers.into_iter().zip([lower, upper]) {
                area.draw(&line(pixel(0.35, whisker), pixel(0.35, end), 1))?;
                area.draw(&line(pixel(0.28, whisker), pixel(0.42, whisker), 1))?;
            }
            let corners = [pixel(0.1, upper), pixel(0.6, lower)];
            area.draw(&Rectangle::new(corners, PALETTE[4].mix(0.4).filled()))?;
            area.draw(&Rectangle::new(corners, INK.stroke_width(1)))?;
            area.draw(&line(pixel(0.1, median), pixel(0.6, median), 3))?;
            let words = if median < 1e4 { format!("median {median:.4}") } else { format!("median {median:.3e}") };
            area.draw(&Text::new(words, pixel(0.62, median), anchored(SMALL, HPos::Left, VPos::Center)))?;
            for (place, value) in kind.values.iter().enumerate() {
                let part = (place as f64 + 0.5) / kind.values.len() as f64;
                let at = pixel(0.15 + 0.4 * part, *value);
                area.draw(&Circle::new(at, 5, PALETTE[1].filled()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NumPy's `percentile(values, [25, 50, 75])` and Matplotlib's whiskers of the same values.
    #[test]
    fn the_five_numbers_are_numpy_s() {
        let summary = Summary::new(&[4.0, 1.0, 2.0, 3.0, 20.0]);
        assert_eq!(summary, Summary { quartiles: [2.0, 3.0, 4.0], whiskers: [1.0, 4.0] });
        let summary = Summary::new(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(summary, Summary { quartiles: [1.75, 2.5, 3.25], whiskers: [1.0, 4.0] });
        assert_eq!(Summary::new(&[0.5]), Summary { quartiles: [0.5; 3], whiskers: [0.5; 2] });
    }
}
