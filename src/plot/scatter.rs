//! Samples as points of a plane, by their classes.

use plotters::element::Text;
use plotters::style::text_anchor::{HPos, VPos};

use super::figure::{Area, Drawn, Figure};
use super::legend::{self, Entry, Mark};
use super::marks::{Marks, Shape};
use super::panel::{self, Axis, MANY, panel, place};
use super::style::{CLASSES, TITLE, anchored, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Scatter<'a> {
    pub title: String,
    /// The titles of the axis from left to right and of the one from bottom to top.
    pub axes: [String; 2],
    /// `[C]`; each class has a colour or a shape of its own, up to 40 of them.
    pub names: &'a [String],
    /// `[N, 2]`, finite: from left to right and from bottom to top, on one scale.
    pub points: &'a [[f32; 2]],
    /// `[N]`, each less than C.
    pub labels: &'a [u8],
}

const MARGIN: i32 = 20;
/// The length of both axes, in pixels.
const LENGTH: u32 = 760;
/// Of the shapes, where all colours have been used.
const SHAPES: [Shape; 4] = [Shape::Circle, Shape::Triangle, Shape::Cross, Shape::Square];
const OPACITY: f64 = 0.7;
/// Classes are drawn in so many turns, each with a part of its points, so that none lies upon the others.
const TURNS: usize = 50;

fn shape(class: usize) -> Shape {
    SHAPES[class / CLASSES.len() % SHAPES.len()]
}

impl Scatter<'_> {
    /// Both from the middle of the points as far as the farthest of them, and a little more.
    fn axes(&self) -> [Axis; 2] {
        let range = |part: usize| {
            let values = || self.points.iter().map(|point| f64::from(point[part]));
            [values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)]
        };
        let ranges = [range(0), range(1)];
        let length = ranges.map(|[least, most]| most - least).into_iter().fold(0.0, f64::max);
        let half = if length > 0.0 { 0.53 * length } else { 1.0 };
        let axis = |part: usize| {
            let [least, most] = ranges[part];
            let middle = if least <= most { 0.5 * (least + most) } else { 0.0 };
            Axis::new(&self.axes[part], [middle - half, middle + half], MANY)
        };
        [axis(0), axis(1)]
    }

    fn panel() -> (u32, u32) {
        (LENGTH + panel::BESIDE + 2 * panel::MARGIN, LENGTH + panel::MARGIN + panel::BELOW)
    }

    /// Of a point: the more of them, the smaller.
    fn radius(&self) -> f64 {
        (200.0 / (self.points.len().max(1) as f64).sqrt()).clamp(2.0, 4.5)
    }

    fn legend(&self) -> Vec<Entry> {
        let entry = |(class, name): (usize, &String)| Entry {
            mark: Mark::Point(shape(class)),
            colour: CLASSES[class % CLASSES.len()],
            words: name.clone(),
        };
        self.names.iter().enumerate().map(entry).collect()
    }

    fn width(&self) -> i32 {
        let head = width(&self.title, TITLE).max(legend::widest(&self.legend())) + 2 * MARGIN;
        head.max(Self::panel().0 as i32)
    }

    /// The height of what is above the points.
    fn head(&self) -> i32 {
        MARGIN + TITLE as i32 + 14 + legend::height(&self.legend(), self.width() - 2 * MARGIN)
    }

    /// The points of each class, in their order.
    fn classes(&self) -> Vec<Vec<[f32; 2]>> {
        let mut classes = vec![Vec::new(); self.names.len()];
        self.points.iter().zip(self.labels).for_each(|(point, label)| classes[usize::from(*label)].push(*point));
        classes
    }
}

impl Figure for Scatter<'_> {
    fn size(&self) -> (u32, u32) {
        (self.width().unsigned_abs(), self.head().unsigned_abs() + Self::panel().1)
    }

    fn draw(&self, area: &Area) -> Drawn {
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        legend::draw(area, &self.legend(), (MARGIN, MARGIN + TITLE as i32 + 14), self.width() - 2 * MARGIN)?;
        let (_, rest) = area.split_vertically(self.head());
        let (left, _) = rest.split_horizontally(Self::panel().0 as i32);
        let [x, y] = self.axes();
        panel(&left, &x, &y)?;
        Ok(())
    }

    fn marks(&self) -> Vec<Marks> {
        let ([x, y], head, classes) = (self.axes(), f64::from(self.head()), self.classes());
        let centre = |point: &[f32; 2]| {
            let (across, down) = place([&x, &y], Self::panel(), (f64::from(point[0]), f64::from(point[1])));
            (across, down + head)
        };
        let marks = |turn: usize, class: usize| {
            let points = &classes[class];
            let part = turn * points.len() / TURNS..(turn + 1) * points.len() / TURNS;
            Marks {
                shape: shape(class),
                colour: CLASSES[class % CLASSES.len()],
                opacity: OPACITY,
                radius: self.radius(),
                centres: points[part].iter().map(centre).collect(),
            }
        };
        // Each class is the last one of some turns.
        let count = classes.len();
        let turns = (0..TURNS).flat_map(|turn| (0..count).map(move |place| (turn, (turn + place) % count)));
        turns.map(|(turn, class)| marks(turn, class)).filter(|marks| !marks.centres.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::svg;

    #[test]
    fn ten_thousand_points_are_a_small_file_whose_classes_take_turns() {
        let names: Vec<String> = (0..40).map(|class| format!("class {class}")).collect();
        let points: Vec<[f32; 2]> = (0..10_000_u16).map(|place| [f32::from(place), f32::from(place % 97)]).collect();
        for classes in [1, 10, 40] {
            let labels: Vec<u8> = (0..10_000).map(|place| (place * classes / 10_000) as u8).collect();
            let axes = ["x".to_owned(), "y".to_owned()];
            let scatter =
                Scatter { title: String::new(), axes, names: &names[..classes], points: &points, labels: &labels };
            let marks = scatter.marks();
            assert_eq!(marks.iter().map(|marks| marks.centres.len()).sum::<usize>(), 10_000);
            assert_eq!(marks.len(), TURNS * classes);
            assert!(classes == 1 || marks.windows(2).all(|pair| pair[0].centres != pair[1].centres));
            let bytes = svg(&scatter).unwrap().len();
            assert!(bytes < 600_000, "{classes} classes: {bytes} bytes");
        }
    }

    #[test]
    fn each_class_looks_like_no_other() {
        let looks: Vec<_> = (0..40).map(|class| (shape(class), CLASSES[class % CLASSES.len()])).collect();
        for (place, look) in looks.iter().enumerate() {
            assert!(!looks[..place].contains(look), "{place}");
        }
    }
}
