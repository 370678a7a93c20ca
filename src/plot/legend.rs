//! What the marks of a figure mean: as many lines as the figure's width asks for.

use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use super::figure::{Area, Drawn};
use super::marks::Shape;
use super::style::{TEXT, anchored, width};

/// How something is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    Solid,
    Dashed,
    Ring,
    Block,
    /// A short line from top to bottom.
    Tick,
    Point(Shape),
}

/// A mark and what it means.
#[derive(Clone, Debug)]
pub struct Entry {
    pub mark: Mark,
    pub colour: RGBColor,
    pub words: String,
}

/// Of a dash and of what is left out after it.
pub const DASHES: (i32, i32) = (7, 4);
const LINE: i32 = 24;
/// A mark's width, and the distance from it to its words and from those to the next mark.
const MARK: i32 = 28;
const GAP: i32 = 7;
const APART: i32 = 24;

fn length(entry: &Entry) -> i32 {
    MARK + GAP + width(&entry.words, TEXT)
}

/// The width of the widest entry.
pub fn widest(entries: &[Entry]) -> i32 {
    entries.iter().map(length).max().unwrap_or(0)
}

/// Where each entry's line begins.
fn places(entries: &[Entry], room: i32) -> Vec<(i32, i32)> {
    let (mut x, mut y) = (0, 0);
    let mut place = |entry: &Entry| {
        let length = length(entry);
        if x > 0 && x + length > room {
            (x, y) = (0, y + LINE);
        }
        let place = (x, y);
        x += length + APART;
        place
    };
    entries.iter().map(&mut place).collect()
}

/// The height of all lines.
pub fn height(entries: &[Entry], room: i32) -> i32 {
    places(entries, room).last().map_or(0, |(_, y)| y + LINE)
}

/// Draws a point, large enough for its colour to be seen.
pub fn draw_point(area: &Area, shape: Shape, (x, y): (i32, i32), colour: RGBColor) -> Drawn {
    let line = |from, to| PathElement::new([from, to], colour.stroke_width(4));
    match shape {
        Shape::Circle => area.draw(&Circle::new((x, y), 6, colour.filled())),
        Shape::Square => area.draw(&Rectangle::new([(x - 5, y - 5), (x + 5, y + 5)], colour.filled())),
        Shape::Triangle => area.draw(&Polygon::new([(x, y - 8), (x + 7, y + 5), (x - 7, y + 5)], colour.filled())),
        Shape::Cross => {
            area.draw(&line((x - 7, y), (x + 7, y)))?;
            area.draw(&line((x, y - 7), (x, y + 7)))
        }
    }
}

/// Draws the entries below and to the right of a place, in so much room from left to right.
///
/// # Errors
/// As drawing has them.
pub fn draw(area: &Area, entries: &[Entry], (left, top): (i32, i32), room: i32) -> Drawn {
    for (entry, (x, y)) in entries.iter().zip(places(entries, room)) {
        let (x, y) = (left + x, top + y + LINE / 2);
        let line = [(x, y), (x + MARK, y)];
        let (style, middle) = (entry.colour.stroke_width(2), x + MARK / 2);
        match entry.mark {
            Mark::Solid => area.draw(&PathElement::new(line, style))?,
            Mark::Dashed => area.draw(&DashedPathElement::new(line, DASHES.0, DASHES.1, style))?,
            Mark::Ring => area.draw(&Circle::new((middle, y), 6, style))?,
            Mark::Block => area.draw(&Rectangle::new([(x, y - 7), (x + MARK, y + 7)], entry.colour.filled()))?,
            Mark::Tick => area.draw(&PathElement::new([(middle, y - 8), (middle, y + 8)], style.stroke_width(3)))?,
            Mark::Point(shape) => draw_point(area, shape, (middle, y), entry.colour)?,
        }
        let style = anchored(TEXT, HPos::Left, VPos::Center);
        area.draw(&Text::new(entry.words.as_str(), (x + MARK + GAP, y), style))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::INK;

    #[test]
    fn entries_do_not_overlap_and_stay_inside() {
        let words = ["training", "validation", "a longer one than those", "x", "runs/cnn1-1: best epoch 7", ""];
        let entries = words.map(|words| Entry { mark: Mark::Solid, colour: INK, words: words.into() });
        for room in widest(&entries)..1000 {
            let places = places(&entries, room);
            for (entry, (x, _)) in entries.iter().zip(&places) {
                assert!(x + length(entry) <= room, "{room}: {places:?}");
            }
            for (entry, pair) in entries.iter().zip(places.windows(2)) {
                let ((x, y), (next, line)) = (pair[0], pair[1]);
                assert!(if line == y { x + length(entry) < next } else { next == 0 && line == y + LINE }, "{places:?}");
            }
            assert_eq!(height(&entries, room), places[5].1 + LINE);
        }
    }
}
