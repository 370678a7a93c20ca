//! Parallel coordinates (Inselberg, 1985): an axis for each parameter and one for the result, a line for each run.

use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor, WHITE};

use super::figure::{Area, Drawn, Figure};
use super::panel::Axis;
use super::style::{INK, PALETTE, SMALL, TEXT, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct ParallelCoordinates {
    pub title: String,
    pub parameters: Vec<Coordinate>,
    /// What the result is, and whether the larger ones are the better ones.
    pub result: String,
    pub larger_is_better: bool,
    /// At least one.
    pub lines: Vec<Line>,
}

/// The axis of a parameter.
#[derive(Clone, Debug)]
pub struct Coordinate {
    pub name: String,
    /// Values in words, and how far up they are, from 0 to 1.
    pub ticks: Vec<(f64, String)>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Line {
    /// How far up it is on each parameter's axis, from 0 to 1.
    pub places: Vec<f64>,
    /// Finite.
    pub result: f64,
    /// Whether it was ended before its time: a thinner line.
    pub pruned: bool,
}

const MARGIN: i32 = 20;
const HEIGHT: i32 = 400;
/// Between two axes, at least.
const APART: i32 = 150;
/// Between an axis and the words beside it.
const GAP: i32 = 6;
/// The best and the worst result's colour: dark and light, too.
const COLOURS: [RGBColor; 2] = [PALETTE[1], RGBColor(176, 199, 214)];

/// An axis as it is drawn: what is written above and beside it, where it stands, in pixels.
struct Drawable {
    name: String,
    ticks: Vec<(f64, String)>,
    at: i32,
}

/// Those that do not lie on each other.
fn apart(ticks: &[(f64, String)]) -> Vec<(f64, String)> {
    let least = f64::from(SMALL + 4) / f64::from(HEIGHT);
    let mut kept: Vec<(f64, String)> = Vec::new();
    for tick in ticks {
        if kept.last().is_none_or(|last| (tick.0 - last.0).abs() >= least) {
            kept.push(tick.clone());
        }
    }
    kept
}

impl ParallelCoordinates {
    fn axis(&self) -> Axis {
        Axis::over(&self.result, self.lines.iter().map(|line| line.result), [f64::NEG_INFINITY, f64::INFINITY])
    }

    /// All axes, and how wide they are together.
    fn axes(&self) -> (Vec<Drawable>, i32) {
        let result = Coordinate { name: self.result.clone(), ticks: self.axis().labels() };
        let (mut axes, mut left): (Vec<Drawable>, i32) = (Vec::new(), MARGIN);
        for Coordinate { name, ticks } in self.parameters.iter().chain([&result]) {
            let ticks = apart(ticks);
            let beside = ticks.iter().map(|(_, words)| width(words, SMALL)).max().unwrap_or(0) + GAP;
            // The name is around the axis, the words are to its left.
            let half = width(name, TEXT) / 2 + GAP;
            let before = axes.last().map_or(0, |axis| axis.at);
            let at =
                if axes.is_empty() { left + beside.max(half) } else { (before + APART).max(left + beside.max(half)) };
            axes.push(Drawable { name: name.clone(), ticks, at });
            left = at + half;
        }
        (axes, left + MARGIN)
    }

    /// From the best result to the worst one: 0 to 1.
    fn rank(&self, result: f64) -> f64 {
        let results = self.lines.iter().map(|line| line.result);
        let least = results.clone().fold(f64::INFINITY, f64::min);
        let most = results.fold(f64::NEG_INFINITY, f64::max);
        let part = if most > least { (result - least) / (most - least) } else { 1.0 };
        if self.larger_is_better { 1.0 - part } else { part }
    }
}

fn top() -> i32 {
    MARGIN + TITLE as i32 + 16 + TEXT as i32 + 2 * GAP
}

impl Figure for ParallelCoordinates {
    fn size(&self) -> (u32, u32) {
        let across = self.axes().1.max(width(&self.title, TITLE) + 2 * MARGIN);
        (across.unsigned_abs(), (top() + HEIGHT + MARGIN + SMALL as i32 / 2).unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        let (top, (axes, _), axis) = (top(), self.axes(), self.axis());
        let pixel = |part: f64| top + HEIGHT - (part * f64::from(HEIGHT)).round() as i32;
        // The best ones on top.
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by(|one, other| self.rank(other.result).total_cmp(&self.rank(one.result)));
        for line in lines {
            let places = line.places.iter().copied().chain([axis.part(line.result)]);
            let points: Vec<(i32, i32)> =
                axes.iter().zip(places).map(|(axis, place)| (axis.at, pixel(place))).collect();
            let [best, worst] = COLOURS;
            let rank = self.rank(line.result);
            let mixed = |best: u8, worst: u8| (f64::from(best) + rank * (f64::from(worst) - f64::from(best))) as u8;
            let colour = RGBColor(mixed(best.0, worst.0), mixed(best.1, worst.1), mixed(best.2, worst.2));
            area.draw(&PathElement::new(points, colour.stroke_width(if line.pruned { 1 } else { 2 })))?;
        }
        for Drawable { name, ticks, at } in axes {
            area.draw(&PathElement::new([(at, top), (at, top + HEIGHT)], INK.stroke_width(1)))?;
            let middle = anchored(TEXT, HPos::Center, VPos::Bottom);
            area.draw(&Text::new(name, (at, top - 2 * GAP), middle))?;
            for (part, words) in ticks {
                let (down, across) = (pixel(part), width(&words, SMALL));
                area.draw(&PathElement::new([(at - 3, down), (at, down)], INK.stroke_width(1)))?;
                // Lines go on behind the words.
                let corners = [(at - GAP - across - 1, down - 7), (at - GAP + 1, down + 7)];
                area.draw(&Rectangle::new(corners, WHITE.mix(0.8).filled()))?;
                area.draw(&Text::new(words, (at - GAP, down), anchored(SMALL, HPos::Right, VPos::Center)))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_result_is_first_whichever_way_is_better() {
        let line = |result: f64| Line { places: vec![], result, pruned: false };
        let of = |larger_is_better| {
            let lines = vec![line(0.2), line(0.6), line(1.0)];
            let figure = ParallelCoordinates {
                title: String::new(),
                parameters: vec![],
                result: "x".into(),
                larger_is_better,
                lines,
            };
            [0.2, 0.6, 1.0].map(|result| (100.0 * figure.rank(result)).round())
        };
        assert_eq!((of(true), of(false)), ([100.0, 50.0, 0.0], [0.0, 50.0, 100.0]));
    }
}
