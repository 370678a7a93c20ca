//! Learning curves: loss and accuracy by epoch, in training and in validation, of one run or several.

use plotters::element::{Circle, Text};
use plotters::series::{DashedLineSeries, LineSeries};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use super::figure::{Area, Drawn, Figure};
use super::legend::{self, DASHES, Entry, Mark};
use super::panel::{Axis, panel};
use super::style::{INK, PALETTE, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Curves {
    pub title: String,
    /// At least one; each has a colour of its own, up to [`Curves::MOST`] of them.
    pub runs: Vec<Curve>,
}

/// One run's.
#[derive(Clone, Debug)]
pub struct Curve {
    pub name: String,
    /// At least one, in ascending order.
    pub epochs: Vec<Epoch>,
}

/// What an epoch came to: of training and of validation. Losses are finite and not negative, accuracies are 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    pub number: usize,
    pub loss: [f64; 2],
    pub accuracy: [f64; 2],
}

const MARGIN: i32 = 20;
const WIDTH: i32 = 1160;
const HEIGHT: i32 = 440;
/// The most epochs whose points are marked.
const MARKED: usize = 30;

impl Curve {
    /// The first epoch with the largest validation accuracy, as the checkpoint `best` has it.
    fn best(&self) -> Option<&Epoch> {
        self.epochs.iter().reduce(|best, epoch| if epoch.accuracy[1] > best.accuracy[1] { epoch } else { best })
    }

    fn best_in_words(&self) -> String {
        let words = |best: &Epoch| format!("best epoch: {}, validation accuracy {:.4}", best.number, best.accuracy[1]);
        self.best().map(words).unwrap_or_default()
    }
}

impl Curves {
    pub const MOST: usize = PALETTE.len();

    /// The colours of training and validation: one for each where there is one run, else both have the run's.
    fn colours(&self, run: usize) -> [RGBColor; 2] {
        if self.runs.len() == 1 { [PALETTE[0], PALETTE[1]] } else { [PALETTE[run % Self::MOST]; 2] }
    }

    fn legend(&self) -> Vec<Entry> {
        let [training, validation] = if self.runs.len() == 1 { self.colours(0) } else { [INK; 2] };
        let entry = |mark, colour, words: String| Entry { mark, colour, words };
        let lines =
            [entry(Mark::Solid, training, "training".into()), entry(Mark::Dashed, validation, "validation".into())];
        if let [run] = self.runs.as_slice() {
            return lines.into_iter().chain([entry(Mark::Ring, validation, run.best_in_words())]).collect();
        }
        let named = |(place, run): (usize, &Curve)| {
            entry(Mark::Block, self.colours(place)[0], format!("{} ({})", run.name, run.best_in_words()))
        };
        let ring = entry(Mark::Ring, INK, "best epoch".into());
        lines.into_iter().chain([ring]).chain(self.runs.iter().enumerate().map(named)).collect()
    }

    fn width(&self) -> i32 {
        WIDTH.max(width(&self.title, TITLE).max(legend::widest(&self.legend())) + 2 * MARGIN)
    }

    /// The height of what is above the curves.
    fn head(&self) -> i32 {
        MARGIN + TITLE as i32 + 14 + legend::height(&self.legend(), self.width() - 2 * MARGIN)
    }

    fn draw_panel(&self, area: &Area, name: &str, values: fn(&Epoch) -> [f64; 2], limits: [f64; 2]) -> Drawn {
        let epochs = || self.runs.iter().flat_map(|run| &run.epochs);
        let first = epochs().map(|epoch| epoch.number).min().unwrap_or(1);
        let last = epochs().map(|epoch| epoch.number).max().unwrap_or(1);
        let axis = Axis::over(name, epochs().flat_map(values), limits);
        let mut chart = panel(area, &Axis::integers("epoch", first, last), &axis)?;
        for (place, run) in self.runs.iter().enumerate() {
            let [training, validation] = self.colours(place);
            let points = |part: usize| run.epochs.iter().map(move |epoch| (epoch.number as f64, values(epoch)[part]));
            chart.draw_series(LineSeries::new(points(0), training.stroke_width(2)))?;
            chart.draw_series(DashedLineSeries::new(points(1), DASHES.0, DASHES.1, validation.stroke_width(2)))?;
            if last - first < MARKED {
                chart.draw_series(points(0).map(|point| Circle::new(point, 3, training.filled())))?;
                chart.draw_series(points(1).map(|point| Circle::new(point, 3, validation.filled())))?;
            }
            let best = run.best().map(|best| (best.number as f64, values(best)[1]));
            chart.draw_series(best.map(|point| Circle::new(point, 7, validation.stroke_width(2))))?;
        }
        Ok(())
    }
}

impl Figure for Curves {
    fn size(&self) -> (u32, u32) {
        (self.width().unsigned_abs(), (self.head() + HEIGHT).unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        let corner = (MARGIN, MARGIN + TITLE as i32 + 14);
        legend::draw(area, &self.legend(), corner, self.width() - 2 * MARGIN)?;
        let (_, rest) = area.split_vertically(self.head());
        let (left, right) = rest.split_horizontally(self.width() / 2);
        self.draw_panel(&left, "loss", |epoch| epoch.loss, [0.0, f64::INFINITY])?;
        self.draw_panel(&right, "accuracy", |epoch| epoch.accuracy, [0.0, 1.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epoch_is_the_first_of_equals() {
        let epoch = |number, accuracy| Epoch { number, loss: [0.5, 0.5], accuracy: [0.5, accuracy] };
        let run = Curve { name: "run".into(), epochs: vec![epoch(1, 0.25), epoch(2, 0.75), epoch(3, 0.75)] };
        assert_eq!(run.best_in_words(), "best epoch: 2, validation accuracy 0.7500");
    }
}
