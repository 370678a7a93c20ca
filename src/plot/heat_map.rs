//! A confusion matrix in colours: a row for each class, a column for each prediction.

use plotters::element::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{BLACK, Color, FontTransform, RGBColor, WHITE};

use super::figure::{Area, Drawn, Figure};
use super::style::{INK, SMALL, TEXT, TITLE, anchored, width};
use crate::evaluate::Confusion;

/// What is drawn.
#[derive(Clone, Debug)]
pub struct HeatMap<'a> {
    pub title: String,
    pub confusion: &'a Confusion,
    /// `[C]`
    pub names: &'a [String],
}

/// The most classes whose cells have room for numbers.
const ANNOTATED: usize = 20;
const MARGIN: i32 = 20;
/// Between a title, names, the cells and the scale.
const GAP: i32 = 10;
/// Of the scale, which shows this many colours.
const SCALE: (i32, i32) = (16, 25);
/// The words beside the scale.
const SHARES: [&str; 3] = ["100 %", "50 %", "0 %"];
/// White to blue, dark enough for any kind of colour vision: what no, half and all of a class' samples have.
const SHADES: [RGBColor; 3] = [WHITE, RGBColor(107, 174, 214), RGBColor(8, 48, 107)];

/// The colour of a share of a class' samples.
fn shade(share: f64) -> RGBColor {
    let place = 2.0 * share.clamp(0.0, 1.0);
    let (from, to) = if place < 1.0 { (SHADES[0], SHADES[1]) } else { (SHADES[1], SHADES[2]) };
    let mix = |from: u8, to: u8| (f64::from(from) + place.fract() * (f64::from(to) - f64::from(from))).round() as u8;
    if place == 2.0 { to } else { RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2)) }
}

/// The ratio of two colours' luminances, as the Web Content Accessibility Guidelines define it.
fn contrast(one: RGBColor, other: RGBColor) -> f64 {
    let linear = |value: u8| match f64::from(value) / 255.0 {
        small if small <= 0.04045 => small / 12.92,
        value => ((value + 0.055) / 1.055).powf(2.4),
    };
    let luminance = |RGBColor(red, green, blue): RGBColor| {
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) + 0.05
    };
    let (one, other) = (luminance(one), luminance(other));
    one.max(other) / one.min(other)
}

/// What can be read on a colour.
fn readable_on(colour: RGBColor) -> RGBColor {
    if contrast(BLACK, colour) >= contrast(WHITE, colour) { BLACK } else { WHITE }
}

impl HeatMap<'_> {
    fn is_annotated(&self) -> bool {
        self.confusion.classes <= ANNOTATED
    }

    /// A cell's width and height.
    fn cell(&self) -> (i32, i32) {
        let counts = (0..self.confusion.classes).map(|class| self.confusion.actual(class)).max().unwrap_or(0);
        let widest = width(&counts.to_string(), TEXT).max(width("100.0 %", SMALL));
        if self.is_annotated() { (widest + 12, 44) } else { (20, 20) }
    }

    fn widest_name(&self) -> i32 {
        self.names.iter().map(|name| width(name, TEXT)).max().unwrap_or(0)
    }

    /// Whether the names below the columns go upwards, since the columns are narrower.
    fn is_turned(&self) -> bool {
        self.widest_name() + 8 > self.cell().0
    }

    /// The upper left corner of the first cell.
    fn corner(&self) -> (i32, i32) {
        let axis = TEXT as i32 + GAP;
        (MARGIN + axis + self.widest_name() + GAP, MARGIN + TITLE as i32 + 2 * GAP)
    }

    /// The lower right corner of the last cell.
    fn end(&self) -> (i32, i32) {
        let ((left, top), (width, height)) = (self.corner(), self.cell());
        let classes = self.confusion.classes as i32;
        (left + classes * width, top + classes * height)
    }

    fn share(&self, actual: usize, predicted: usize) -> f64 {
        self.confusion.count(actual, predicted) as f64 / self.confusion.actual(actual).max(1) as f64
    }

    fn draw_names(&self, area: &Area) -> Drawn {
        let ((left, top), (right, bottom), (width, height)) = (self.corner(), self.end(), self.cell());
        let beside = anchored(TEXT, HPos::Right, VPos::Center);
        let upwards = beside.transform(FontTransform::Rotate270);
        let below = anchored(TEXT, HPos::Center, VPos::Top);
        for (class, name) in (0..).zip(self.names) {
            area.draw(&Text::new(name.as_str(), (left - GAP, top + class * height + height / 2), beside.clone()))?;
            let style = if self.is_turned() { &upwards } else { &below };
            area.draw(&Text::new(name.as_str(), (left + class * width + width / 2, bottom + GAP), style.clone()))?;
        }
        let title = anchored(TEXT, HPos::Center, VPos::Bottom);
        let (_, whole) = self.size();
        let below = ((left + right) / 2, whole as i32 - MARGIN);
        area.draw(&Text::new("predicted", below, title.clone()))?;
        let beside = (MARGIN + TEXT as i32, (top + bottom) / 2);
        area.draw(&Text::new("actual", beside, title.transform(FontTransform::Rotate270)))
    }

    fn draw_scale(&self, area: &Area) -> Drawn {
        let ((_, top), (right, bottom), (thick, colours)) = (self.corner(), self.end(), SCALE);
        let left = right + 2 * GAP;
        let level = |place: i32, of: i32| top + (bottom - top) * place / of;
        for place in 0..colours {
            let colour = shade(f64::from(colours - 1 - place) / f64::from(colours - 1));
            let corners = [(left, level(place, colours)), (left + thick, level(place + 1, colours))];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
        area.draw(&Rectangle::new([(left, top), (left + thick, bottom)], INK.stroke_width(1)))?;
        for ((place, words), down) in (0..).zip(SHARES).zip([VPos::Top, VPos::Center, VPos::Bottom]) {
            let at = (left + thick + 6, level(place, 2));
            area.draw(&Text::new(words, at, anchored(SMALL, HPos::Left, down)))?;
        }
        Ok(())
    }
}

impl Figure for HeatMap<'_> {
    fn size(&self) -> (u32, u32) {
        let (right, bottom) = self.end();
        let scale = 2 * GAP + SCALE.0 + 6 + width(SHARES[0], SMALL);
        let across = (right + scale).max(MARGIN + width(&self.title, TITLE)) + MARGIN;
        let names = if self.is_turned() { self.widest_name() } else { TEXT as i32 };
        let down = bottom + GAP + names + GAP + TEXT as i32 + MARGIN;
        (across.unsigned_abs(), down.unsigned_abs())
    }

    fn draw(&self, area: &Area) -> Drawn {
        let ((left, top), (right, bottom), (width, height)) = (self.corner(), self.end(), self.cell());
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        let classes = self.confusion.classes;
        for (actual, predicted) in
            (0..classes).flat_map(|actual| (0..classes).map(move |predicted| (actual, predicted)))
        {
            let (x, y) = (left + predicted as i32 * width, top + actual as i32 * height);
            let share = self.share(actual, predicted);
            let colour = shade(share);
            if colour != WHITE {
                area.draw(&Rectangle::new([(x, y), (x + width, y + height)], colour.filled()))?;
            }
            if self.is_annotated() {
                let ink = readable_on(colour);
                let count = self.confusion.count(actual, predicted).to_string();
                let style = |size| anchored(size, HPos::Center, VPos::Center);
                area.draw(&Text::new(count, (x + width / 2, y + height / 3), style(TEXT).color(&ink)))?;
                let share = format!("{:.1} %", 100.0 * share);
                area.draw(&Text::new(share, (x + width / 2, y + height * 3 / 4), style(SMALL).color(&ink)))?;
            }
        }
        area.draw(&Rectangle::new([(left, top), (right, bottom)], INK.stroke_width(1)))?;
        self.draw_names(area)?;
        self.draw_scale(area)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_readable_on_every_shade() {
        for percent in 0..=100 {
            let colour = shade(f64::from(percent) / 100.0);
            // What the guidelines ask for.
            assert!(contrast(colour, readable_on(colour)) >= 4.5, "{percent} %");
        }
        assert_eq!((shade(0.0), shade(0.5), shade(1.0)), (SHADES[0], SHADES[1], SHADES[2]));
    }
}
