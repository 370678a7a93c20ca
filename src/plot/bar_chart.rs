//! Bars from left to right, one a row: what each of many learners came to.

use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{BLACK, Color, RGBColor};

use super::figure::{Area, Drawn, Figure};
use super::legend::{self, Entry, Mark};
use super::panel::{self, Axis, MANY, panel, place};
use super::style::{INK, PALETTE, SMALL, TEXT, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct BarChart {
    pub title: String,
    /// What the values are: the axis' title. Where the axis does not start at 0, it says so after it.
    pub values: String,
    /// What the bars are that are not highlighted, and what the highlighted ones are. Said where there are both.
    pub kinds: [String; 2],
    /// What the marks are. Said where there is one.
    pub marks: String,
    /// At least one, from top to bottom.
    pub bars: Vec<Bar>,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Beside the bar, in full.
    pub name: String,
    /// Finite and not negative; its number, with four decimals, is at the bar's end, or beside it where the bar is
    /// short.
    pub value: f64,
    /// Another value of the same kind, such as the accuracy in validation: a line across the bar.
    pub mark: Option<f64>,
    /// Whether the bar has the other colour.
    pub highlighted: bool,
}

const MARGIN: i32 = 20;
/// The axis' least length.
const LENGTH: i32 = 640;
/// From one row to the next, and what of it is a bar.
const ROW: i32 = 26;
const THICK: i32 = 16;
/// Between a bar and its words.
const GAP: i32 = 8;
/// Of the two kinds of bars: light and dark without colours, too.
const COLOURS: [RGBColor; 2] = [PALETTE[4], PALETTE[1]];
/// The bars start above 0 where the shortest is at least this part of the longest, since they would look alike.
const ALIKE: f64 = 0.6;

/// A round number for bars to start at, and how many decimals it has.
fn start([least, most]: [f64; 2]) -> (f64, usize) {
    if least == most || least < ALIKE * most {
        return (0.0, 0);
    }
    // The shortest bar is about a quarter of the longest.
    let unit = 10_f64.powf((most - least).log10().floor());
    let start = ((least - 0.35 * (most - least)) / unit).floor() * unit;
    (start.max(0.0), (-unit.log10()).max(0.0).round() as usize)
}

/// Where a bar's number is drawn to, and to which side, in pixels: within the bar, before its end and its mark, or
/// beside both where there is no room.
fn number(start: i32, end: i32, mark: Option<i32>) -> (i32, HPos) {
    let long = width("0.0000", SMALL) + GAP;
    let before = mark.filter(|mark| (end - long..end + GAP).contains(mark)).map_or(end, |mark| mark.min(end));
    let within = before - 6;
    if within - long >= start { (within, HPos::Right) } else { (mark.unwrap_or(end).max(end) + GAP, HPos::Left) }
}

impl BarChart {
    fn axis(&self) -> Axis {
        let values = self.bars.iter().flat_map(|bar| [Some(bar.value), bar.mark]).flatten();
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        let (start, decimals) = start([least, most]);
        let title = match &self.values {
            values if start > 0.0 => format!("{values} (the axis starts at {start:.decimals$})"),
            values => values.clone(),
        };
        let end = if most > start { most + 0.01 * (most - start) } else { start + 1.0 };
        Axis::new(&title, [start, end], MANY)
    }

    fn legend(&self) -> Vec<Entry> {
        let entry = |mark, colour, words: &String| Entry { mark, colour, words: words.clone() };
        let has = |highlighted| self.bars.iter().any(|bar| bar.highlighted == highlighted);
        let kinds = COLOURS.into_iter().zip(&self.kinds).map(|(colour, words)| entry(Mark::Block, colour, words));
        let kinds = kinds.filter(|_| has(false) && has(true));
        let marked = self.bars.iter().any(|bar| bar.mark.is_some());
        kinds.chain(marked.then(|| entry(Mark::Tick, INK, &self.marks))).collect()
    }

    /// The width of the names' part that does not fit beside the axis.
    fn names(&self) -> i32 {
        let widest = self.bars.iter().map(|bar| width(&bar.name, TEXT)).max().unwrap_or(0);
        (MARGIN + widest + GAP - panel::inside(self.panel())[0]).max(0)
    }

    /// The width and height of the bars with their axis, without the names.
    fn panel(&self) -> (u32, u32) {
        let across = LENGTH.max(width(self.axis().title(), TEXT)).unsigned_abs();
        let rows = self.bars.len() as u32 * ROW.unsigned_abs();
        (panel::MARGIN + panel::BESIDE + across + panel::MARGIN, panel::MARGIN + rows + panel::BELOW)
    }

    /// The height of what is above the bars.
    fn head(&self) -> i32 {
        MARGIN + TITLE as i32 + 14 + legend::height(&self.legend(), self.room())
    }

    /// What the legend has from left to right.
    fn room(&self) -> i32 {
        self.size().0 as i32 - 2 * MARGIN
    }
}

impl Figure for BarChart {
    fn size(&self) -> (u32, u32) {
        let (across, down) = self.panel();
        let bars = self.names() + across as i32 + GAP + width("0.0000", SMALL);
        let legend = self.legend();
        let across = bars.max(width(&self.title, TITLE).max(legend::widest(&legend)) + 2 * MARGIN);
        let head = MARGIN + TITLE as i32 + 14 + legend::height(&legend, across - 2 * MARGIN);
        (across.unsigned_abs(), head.unsigned_abs() + down)
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        legend::draw(area, &self.legend(), (MARGIN, MARGIN + TITLE as i32 + 14), self.room())?;
        let (size, axis) = (self.panel(), self.axis());
        let (_, rest) = area.split_vertically(self.head());
        let (_, right) = rest.split_horizontally(self.names());
        panel(&right.split_horizontally(size.0 as i32).0, &axis, &Axis::bare(""))?;
        let [left, top, ..] = panel::inside(size);
        let left = left + self.names();
        let pixel = |value: f64| self.names() + place([&axis, &Axis::bare("")], size, (value, 0.0)).0.round() as i32;
        for (row, bar) in (0..).zip(&self.bars) {
            let middle = top + row * ROW + ROW / 2;
            let end = pixel(bar.value);
            let corners = [(left + 1, middle - THICK / 2), (end, middle + THICK / 2)];
            rest.draw(&Rectangle::new(corners, COLOURS[usize::from(bar.highlighted)].filled()))?;
            let mark = bar.mark.map(pixel);
            if let Some(mark) = mark {
                let line = [(mark, middle - THICK / 2 - 2), (mark, middle + THICK / 2 + 2)];
                rest.draw(&PathElement::new(line, INK.stroke_width(3)))?;
            }
            let name = anchored(TEXT, HPos::Right, VPos::Center);
            rest.draw(&Text::new(bar.name.as_str(), (left - GAP, middle), name))?;
            let (at, across) = number(left, end, mark);
            let style = anchored(SMALL, across, VPos::Center).color(&BLACK);
            rest.draw(&Text::new(format!("{:.4}", bar.value), (at, middle), style))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[f64]) -> BarChart {
        let bar = |value: &f64| Bar { name: String::new(), value: *value, mark: None, highlighted: false };
        let words = || "accuracy".to_owned();
        BarChart {
            title: words(),
            values: words(),
            kinds: [words(), words()],
            marks: words(),
            bars: values.iter().map(bar).collect(),
        }
    }

    #[test]
    fn an_axis_that_starts_above_0_says_so() {
        assert_eq!(chart(&[0.1, 0.9]).axis().title(), "accuracy");
        assert_eq!(chart(&[0.9]).axis().title(), "accuracy");
        assert_eq!(chart(&[0.7166, 0.9204]).axis().title(), "accuracy (the axis starts at 0.6)");
        assert_eq!(chart(&[0.9012, 0.9204]).axis().title(), "accuracy (the axis starts at 0.89)");
        assert_eq!(chart(&[0.0, 0.0]).axis().title(), "accuracy");
    }

    #[test]
    fn every_bar_starts_before_it_ends() {
        for least in 0..1000 {
            for most in least..1000 {
                let [least, most] = [least, most].map(|value| f64::from(value) / 999.0);
                let (start, _) = start([least, most]);
                assert!(start < least || start == 0.0, "{least} {most}: {start}");
            }
        }
    }

    #[test]
    fn the_legend_has_what_is_there() {
        let mut chart = chart(&[0.5, 0.6]);
        assert!(chart.legend().is_empty());
        chart.bars[0].mark = Some(0.4);
        assert_eq!(chart.legend().len(), 1);
        chart.bars[1].highlighted = true;
        assert_eq!(chart.legend().len(), 3);
    }
}
