//! Points on lines, one line a row (Cleveland, 1984): values of some series side by side, over powers of ten.

use plotters::element::{PathElement, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use super::figure::{Area, Drawn, Figure};
use super::legend::{self, Entry, Mark, draw_point};
use super::marks::Shape;
use super::panel::{self, Axis, panel, place};
use super::style::{FAINT, PALETTE, TEXT, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct DotPlot {
    pub title: String,
    /// What the values are: the axis' title.
    pub values: String,
    /// What the points of each colour and shape are.
    pub series: Vec<String>,
    /// Rows that belong together, from top to bottom; at least one value among them.
    pub groups: Vec<Vec<Row>>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Row {
    /// Beside the line, in full.
    pub name: String,
    /// A value for each series that has one here, more than 0.
    pub values: Vec<Option<f64>>,
}

const MARGIN: i32 = 20;
/// The axis' length.
const LENGTH: i32 = 620;
/// From one row to the next, and what more there is between two groups.
const ROW: i32 = 26;
const APART: i32 = 12;
/// Between a line and its name.
const GAP: i32 = 8;
/// From the first series' points to the last one's, at most, so that equal values are seen both.
const SPREAD: i32 = 12;

/// Of the series at that place.
fn look(series: usize) -> (Shape, RGBColor) {
    let shapes = [Shape::Circle, Shape::Square, Shape::Triangle, Shape::Cross];
    (shapes[series % shapes.len()], PALETTE[series % PALETTE.len()])
}

impl DotPlot {
    fn axis(&self) -> Axis {
        let values = self.rows().flat_map(|(_, row)| row.values.iter().flatten().copied());
        Axis::logarithmic(&self.values, values)
    }

    /// Each row and how far its middle is below the first row's upper end.
    fn rows(&self) -> impl Iterator<Item = (i32, &Row)> + Clone {
        let of_group = |(place, group): (usize, &Vec<Row>)| vec![place as i32 * APART; group.len()];
        let apart: Vec<i32> = self.groups.iter().enumerate().flat_map(of_group).collect();
        let rows = self.groups.iter().flatten().zip(apart).enumerate();
        rows.map(|(place, (row, apart))| (place as i32 * ROW + ROW / 2 + apart, row)).collect::<Vec<_>>().into_iter()
    }

    fn legend(&self) -> Vec<Entry> {
        let entry = |(place, words): (usize, &String)| {
            let (shape, colour) = look(place);
            Entry { mark: Mark::Point(shape), colour, words: words.clone() }
        };
        self.series.iter().enumerate().map(entry).collect()
    }

    /// The width of the names' part that does not fit beside the axis.
    fn names(&self) -> i32 {
        let widest = self.rows().map(|(_, row)| width(&row.name, TEXT)).max().unwrap_or(0);
        (MARGIN + widest + GAP - panel::inside(self.panel())[0]).max(0)
    }

    /// The width and height of the lines with their axis, without the names.
    fn panel(&self) -> (u32, u32) {
        let rows = self.rows().last().map_or(0, |(middle, _)| middle + ROW / 2);
        let across = LENGTH.max(width(&self.values, TEXT)).unsigned_abs();
        (panel::MARGIN + panel::BESIDE + across + panel::MARGIN, panel::MARGIN + rows.unsigned_abs() + panel::BELOW)
    }

    /// The height of what is above the lines.
    fn head(&self, across: i32) -> i32 {
        MARGIN + TITLE as i32 + 14 + legend::height(&self.legend(), across - 2 * MARGIN)
    }
}

impl Figure for DotPlot {
    fn size(&self) -> (u32, u32) {
        let (across, down) = self.panel();
        let legend = legend::widest(&self.legend());
        let across = (self.names() + across as i32).max(width(&self.title, TITLE).max(legend) + 2 * MARGIN);
        (across.unsigned_abs(), self.head(across).unsigned_abs() + down)
    }

    fn draw(&self, area: &Area) -> Drawn {
        let across = self.size().0 as i32;
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        legend::draw(area, &self.legend(), (MARGIN, MARGIN + TITLE as i32 + 14), across - 2 * MARGIN)?;
        let (size, axis, names) = (self.panel(), self.axis(), self.names());
        let (_, rest) = area.split_vertically(self.head(across));
        let (_, right) = rest.split_horizontally(names);
        panel(&right.split_horizontally(size.0 as i32).0, &axis, &Axis::bare(""))?;
        let [left, top, end, _] = panel::inside(size);
        let last = self.series.len().saturating_sub(1).max(1) as i32;
        for (middle, row) in self.rows() {
            let y = top + middle;
            rest.draw(&PathElement::new([(names + left, y), (names + end, y)], FAINT.stroke_width(1)))?;
            let name = anchored(TEXT, HPos::Right, VPos::Center);
            rest.draw(&Text::new(row.name.as_str(), (names + left - GAP, y), name))?;
            for (series, value) in row.values.iter().enumerate() {
                let Some(value) = value else { continue };
                let (shape, colour) = look(series);
                let x = names + place([&axis, &Axis::bare("")], size, (*value, 0.0)).0.round() as i32;
                let aside = SPREAD * series as i32 / last - SPREAD / 2;
                draw_point(&rest, shape, (x, y + if self.series.len() > 1 { aside } else { 0 }), colour)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_lie_apart() {
        let row = || Row { name: "cnn1".into(), values: vec![Some(3.0)] };
        let figure = DotPlot {
            title: String::new(),
            values: String::new(),
            series: vec!["a".into()],
            groups: vec![vec![row(), row()], vec![row()]],
        };
        assert_eq!(figure.rows().map(|(middle, _)| middle).collect::<Vec<_>>(), [13, 39, 77]);
    }
}
