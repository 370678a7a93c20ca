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

/// What an epoch came to.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    pub number: usize,
    pub training: Figures,
    /// None where nothing was validated.
    pub validation: Option<Figures>,
}

/// Of training or of validation. A loss is finite and not negative, an accuracy 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub loss: f64,
    pub accuracy: f64,
}

const MARGIN: i32 = 20;
const WIDTH: i32 = 1160;
const HEIGHT: i32 = 440;
/// The most epochs whose points are marked.
const MARKED: usize = 30;

impl Curve {
    /// The validated epochs.
    fn validated(&self) -> impl Iterator<Item = (usize, Figures)> {
        self.epochs.iter().filter_map(|epoch| Some((epoch.number, epoch.validation?)))
    }

    /// The first epoch with the largest validation accuracy, as the checkpoint `best` has it.
    fn best(&self) -> Option<(usize, Figures)> {
        self.validated().reduce(|best, epoch| if epoch.1.accuracy > best.1.accuracy { epoch } else { best })
    }

    fn best_in_words(&self) -> Option<String> {
        let (number, figures) = self.best()?;
        Some(format!("best epoch: {number}, validation accuracy {:.4}", figures.accuracy))
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
        let mut entries = vec![entry(Mark::Solid, training, "training".into())];
        if self.runs.iter().any(|run| run.best().is_some()) {
            entries.push(entry(Mark::Dashed, validation, "validation".into()));
        }
        if let [run] = self.runs.as_slice() {
            entries.extend(run.best_in_words().map(|best| entry(Mark::Ring, validation, best)));
            return entries;
        }
        if entries.len() > 1 {
            entries.push(entry(Mark::Ring, INK, "best epoch".into()));
        }
        let named = |(place, run): (usize, &Curve)| {
            let best = run.best_in_words().map(|best| format!(" ({best})")).unwrap_or_default();
            entry(Mark::Block, self.colours(place)[0], run.name.clone() + &best)
        };
        entries.extend(self.runs.iter().enumerate().map(named));
        entries
    }

    fn width(&self) -> i32 {
        WIDTH.max(width(&self.title, TITLE).max(legend::widest(&self.legend())) + 2 * MARGIN)
    }

    /// The height of what is above the curves.
    fn head(&self) -> i32 {
        MARGIN + TITLE as i32 + 14 + legend::height(&self.legend(), self.width() - 2 * MARGIN)
    }

    fn draw_panel(&self, area: &Area, name: &str, value: fn(Figures) -> f64, limits: [f64; 2]) -> Drawn {
        let epochs = || self.runs.iter().flat_map(|run| &run.epochs);
        let first = epochs().map(|epoch| epoch.number).min().unwrap_or(1);
        let last = epochs().map(|epoch| epoch.number).max().unwrap_or(1);
        let figures = epochs().flat_map(|epoch| [epoch.training].into_iter().chain(epoch.validation));
        let axis = Axis::over(name, figures.map(value), limits);
        let mut chart = panel(area, &Axis::integers("epoch", first, last), &axis)?;
        for (place, run) in self.runs.iter().enumerate() {
            let [training, validation] = self.colours(place);
            let point = |(number, figures): (usize, Figures)| (number as f64, value(figures));
            let trained = || run.epochs.iter().map(|epoch| point((epoch.number, epoch.training)));
            let validated: Vec<(f64, f64)> = run.validated().map(point).collect();
            chart.draw_series(LineSeries::new(trained(), training.stroke_width(2)))?;
            if last - first < MARKED {
                chart.draw_series(trained().map(|point| Circle::new(point, 3, training.filled())))?;
                chart.draw_series(validated.iter().map(|&point| Circle::new(point, 3, validation.filled())))?;
            }
            let best = run.best().map(point);
            chart.draw_series(DashedLineSeries::new(validated, DASHES.0, DASHES.1, validation.stroke_width(2)))?;
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
        self.draw_panel(&left, "loss", |figures| figures.loss, [0.0, f64::INFINITY])?;
        self.draw_panel(&right, "accuracy", |figures| figures.accuracy, [0.0, 1.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epoch_is_the_first_of_equals() {
        let figures = |accuracy| Figures { loss: 0.5, accuracy };
        let epoch =
            |number, accuracy: Option<f64>| Epoch { number, training: figures(0.5), validation: accuracy.map(figures) };
        let best = |accuracies: [Option<f64>; 3]| {
            let epochs = (1..).zip(accuracies).map(|(number, accuracy)| epoch(number, accuracy)).collect();
            Curve { name: "run".into(), epochs }.best_in_words()
        };
        let words = "best epoch: 2, validation accuracy 0.7500";
        assert_eq!(best([Some(0.25), Some(0.75), Some(0.75)]).as_deref(), Some(words));
        assert_eq!(best([None; 3]), None);
    }
}
