//! A scree plot (Cattell, 1966): the part of the variance that each principal component has, and how many have most
//! of it.

use plotters::element::{Circle, DashedPathElement, Rectangle, Text};
use plotters::series::LineSeries;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::figure::{Area, Drawn, Figure};
use super::labels::{Label, Labels};
use super::legend::DASHES;
use super::panel::{Axis, MANY, inside, panel, place};
use super::style::{PALETTE, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Scree {
    pub title: String,
    /// Each component's part of the variance, from the first: at least one, not negative, at most 1 together.
    pub ratios: Vec<f64>,
}

const MARGIN: i32 = 20;
/// Of each of the two panels.
const WIDTH: i32 = 580;
const HEIGHT: i32 = 440;
/// The most components that have a bar.
const BARS: usize = 50;
/// The parts of the variance that the cumulative sum is marked at.
const LEVELS: [f64; 4] = [0.8, 0.9, 0.95, 0.99];
/// The most components whose points are marked.
const MARKED: usize = 30;

impl Scree {
    /// The parts of the variance that the first one, the first two and so on have together.
    fn sums(&self) -> Vec<f64> {
        let sum = |sum: &mut f64, ratio: &f64| {
            *sum += ratio;
            Some(*sum)
        };
        self.ratios.iter().scan(0.0, sum).collect()
    }

    /// How many components reach levels, and what to say about it: one for those that the same number reaches.
    fn reached(&self) -> Vec<(usize, String)> {
        let sums = self.sums();
        let mut reached: Vec<(usize, String)> = Vec::new();
        for level in LEVELS {
            let Some(place) = sums.iter().position(|sum| *sum >= level) else { break };
            match reached.last_mut() {
                Some((components, words)) if *components == place + 1 => *words = format!("{words}, {level}"),
                _ => reached.push((place + 1, level.to_string())),
            }
        }
        let words = |(components, levels): (usize, String)| {
            let plural = if components == 1 { "" } else { "s" };
            (components, format!("{levels}: {components} component{plural}"))
        };
        reached.into_iter().map(words).collect()
    }

    fn draw_bars(&self, area: &Area) -> Drawn {
        let count = self.ratios.len();
        let shown = count.min(BARS);
        let title = if count > BARS { format!("component (the first {BARS} of {count})") } else { "component".into() };
        let most = self.ratios.iter().copied().fold(0.0, f64::max);
        let most = if most > 0.0 { 1.06 * most } else { 1.0 };
        let y = Axis::new("part of the variance", [0.0, most], MANY);
        let mut chart = panel(area, &Axis::integers(&title, 1, shown), &y)?;
        let bar = |(number, ratio): (u32, &f64)| {
            let corners = [(f64::from(number) - 0.4, 0.0), (f64::from(number) + 0.4, *ratio)];
            Rectangle::new(corners, PALETTE[0].filled())
        };
        chart.draw_series((1..).zip(&self.ratios[..shown]).map(bar))?;
        Ok(())
    }

    fn draw_sums(&self, area: &Area) -> Drawn {
        let sums = self.sums();
        let x = Axis::integers("components", 1, sums.len());
        let y = Axis::new("part of the variance that they have together", [0.0, 1.0], MANY);
        let mut chart = panel(area, &x, &y)?;
        let points = || (1..).zip(&sums).map(|(number, sum): (u32, &f64)| (f64::from(number), *sum));
        chart.draw_series(LineSeries::new(points(), PALETTE[0].stroke_width(2)))?;
        if sums.len() <= MARKED {
            chart.draw_series(points().map(|point| Circle::new(point, 3, PALETTE[0].filled())))?;
        }
        let size = area.dim_in_pixel();
        let pixel = |(components, sum): (f64, f64)| {
            let (across, down) = place([&x, &y], size, (components, sum));
            (across.round() as i32, down.round() as i32)
        };
        let [left, ..] = inside(size);
        let mut labels = Labels::within(inside(size));
        labels.keep_line_free(&points().map(pixel).collect::<Vec<_>>());
        let label = |(components, words): (usize, String)| Label {
            words,
            centre: pixel((components as f64, sums[components - 1])),
            radius: 6,
            colour: PALETTE[1],
        };
        let reached: Vec<Label> = self.reached().into_iter().map(label).collect();
        let guide = |label: &Label| [(left, label.centre.1), label.centre];
        for label in &reached {
            labels.keep_free(label.centre, label.radius + 1);
            labels.keep_line_free(&guide(label));
        }
        for (label, at) in reached.iter().zip(labels.place_all(&reached)) {
            area.draw(&DashedPathElement::new(guide(label), DASHES.0, DASHES.1, label.colour.stroke_width(1)))?;
            area.draw(&Circle::new(label.centre, label.radius, label.colour.stroke_width(2)))?;
            at.leader(label).map_or(Ok(()), |leader| area.draw(&leader))?;
            area.draw(&at.text(&label.words))?;
        }
        Ok(())
    }
}

impl Figure for Scree {
    fn size(&self) -> (u32, u32) {
        let across = (2 * WIDTH).max(width(&self.title, TITLE) + 2 * MARGIN);
        (across.unsigned_abs(), (MARGIN + TITLE as i32 + HEIGHT).unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        let (_, rest) = area.split_vertically(MARGIN + TITLE as i32);
        let (left, rest) = rest.split_horizontally(WIDTH);
        self.draw_bars(&left)?;
        self.draw_sums(&rest.split_horizontally(WIDTH).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(ratios: &[f64]) -> Vec<(usize, String)> {
        Scree { title: String::new(), ratios: ratios.to_vec() }.reached()
    }

    #[test]
    fn levels_that_one_number_reaches_are_said_together() {
        let words = |components, words: &str| (components, words.to_owned());
        assert_eq!(
            reached(&[0.5, 0.25, 0.125, 0.0625, 0.0625]),
            [words(3, "0.8: 3 components"), words(4, "0.9: 4 components"), words(5, "0.95, 0.99: 5 components")]
        );
        assert_eq!(reached(&[1.0]), [words(1, "0.8, 0.9, 0.95, 0.99: 1 component")]);
        assert_eq!(reached(&[0.5, 0.375]), [words(2, "0.8: 2 components")]);
        assert_eq!(reached(&[0.5]), []);
    }
}
