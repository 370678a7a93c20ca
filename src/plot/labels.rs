//! Where the labels of points go, so that none covers another, a point or a line, and each can be led to its point.

use plotters::element::{PathElement, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

use super::style::{TEXT, anchored, width};

/// What is taken of a picture. All rectangles are in pixels: x and y of the upper left and the lower right corner.
#[derive(Clone, Debug)]
pub struct Labels {
    /// The part where labels may be.
    bounds: [i32; 4],
    /// What may lie under the line that leads from a label to its point, but not under a label.
    lines: Vec<[i32; 4]>,
    /// What may lie under neither: points, labels, and what leads to them.
    solid: Vec<[i32; 4]>,
}

/// A label that has no place yet.
#[derive(Clone, Debug)]
pub struct Label {
    pub words: String,
    /// Of the circle that it is for.
    pub centre: (i32, i32),
    pub radius: i32,
    /// Of the line that leads there.
    pub colour: RGBColor,
}

/// A label's place.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    rectangle: [i32; 4],
    /// The point of it that is nearest to its circle's centre.
    nearest: (i32, i32),
}

/// From one ring of places around a point to the next.
const RING: i32 = 12;
/// How far labels may be that must have a place.
const FARTHEST: i32 = 400;
/// How many orders of placing labels are tried.
const TRIALS: usize = 60;

impl Placed {
    /// The line that leads there from its circle, unless it is straight beside it.
    pub fn leader(&self, label: &Label) -> Option<PathElement<(i32, i32)>> {
        let (centre, style) = (label.centre, label.colour.stroke_width(1));
        let (across, down) = (self.nearest.0 - centre.0, self.nearest.1 - centre.1);
        let length = f64::from(across).hypot(f64::from(down));
        let edge = |along: i32| (f64::from(along * label.radius) / length).round() as i32;
        let is_beside = down == 0 && across.abs() < label.radius + RING;
        (!is_beside).then(|| PathElement::new([(centre.0 + edge(across), centre.1 + edge(down)), self.nearest], style))
    }

    /// The label: its words end or begin where they are nearest to the point, as long as a viewer's font makes them.
    pub fn text<'w>(&self, words: &'w str) -> Text<'w, (i32, i32), &'w str> {
        let [x0, y0, x1, _] = self.rectangle;
        let (x, across) = match self.nearest.0 {
            nearest if nearest == x0 => (x0, HPos::Left),
            nearest if nearest == x1 => (x1, HPos::Right),
            _ => ((x0 + x1) / 2, HPos::Center),
        };
        Text::new(words, (x, y0), anchored(TEXT, across, VPos::Top))
    }
}

/// The smallest square around a circle.
fn square((x, y): (i32, i32), radius: i32) -> [i32; 4] {
    [x - radius, y - radius, x + radius, y + radius]
}

fn contains([x0, y0, x1, y1]: &[i32; 4], (x, y): (i32, i32)) -> bool {
    (*x0..=*x1).contains(&x) && (*y0..=*y1).contains(&y)
}

/// The point of a rectangle that is nearest to another.
fn nearest([x0, y0, x1, y1]: &[i32; 4], (x, y): (i32, i32)) -> (i32, i32) {
    (x.clamp(*x0, *x1), y.clamp(*y0, *y1))
}

/// Points on a line, so many pixels or fewer apart.
fn along([(x0, y0), (x1, y1)]: [(i32, i32); 2], apart: i32) -> impl Iterator<Item = (i32, i32)> {
    let steps = ((x1 - x0).abs().max((y1 - y0).abs()) + apart - 1) / apart;
    (0..=steps).map(move |step| (x0 + (x1 - x0) * step / steps.max(1), y0 + (y1 - y0) * step / steps.max(1)))
}

impl Labels {
    /// Of a picture of that width and height.
    pub fn new((width, height): (u32, u32)) -> Self {
        Self::within([0, 0, width as i32, height as i32])
    }

    /// Of a part of a picture.
    pub fn within(bounds: [i32; 4]) -> Self {
        Self { bounds, lines: Vec::new(), solid: Vec::new() }
    }

    /// Lets no label cover a circle.
    pub fn keep_free(&mut self, centre: (i32, i32), radius: i32) {
        self.solid.push(square(centre, radius));
    }

    /// Lets no label cover a line through points, straight from each to the next.
    pub fn keep_line_free(&mut self, points: &[(i32, i32)]) {
        let squares = points.windows(2).flat_map(|pair| along([pair[0], pair[1]], 8)).map(|point| square(point, 3));
        self.lines.extend(squares);
    }

    /// The free place for a label that is nearest to its circle, or the one to its right where none is free.
    pub fn place(&mut self, label: &Label) -> Placed {
        let places = || self.places(FARTHEST, label);
        let free = places().find(|place| self.is_free(place) && self.is_led(place, label.centre));
        let free = free.or_else(|| places().find(|place| self.is_free(place))).or_else(|| places().next());
        self.take(free.unwrap_or_default(), label)
    }

    /// Free places for labels, where there are such: the first ones choose first.
    pub fn place_all(&mut self, labels: &[Label]) -> Vec<Placed> {
        let places = self.place_all_near(FARTHEST, labels);
        places.unwrap_or_else(|| labels.iter().map(|label| self.place(label)).collect())
    }

    /// Free places for labels, none farther from its circle than so many pixels, where all of them have one.
    pub fn place_all_near(&mut self, farthest: i32, labels: &[Label]) -> Option<Vec<Placed>> {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        for _ in 0..TRIALS {
            let mut trial = self.clone();
            let mut places = vec![None; labels.len()];
            let is_without = |&label: &usize| {
                places[label] = trial.place_near(farthest, &labels[label]);
                places[label].is_none()
            };
            let Some(without) = order.iter().position(is_without) else {
                *self = trial;
                return places.into_iter().collect();
            };
            // The next time, it chooses first.
            order[..=without].rotate_right(1);
        }
        None
    }

    fn place_near(&mut self, farthest: i32, label: &Label) -> Option<Placed> {
        let mut places = self.places(farthest, label);
        let free = places.find(|place| self.is_free(place) && self.is_led(place, label.centre))?;
        Some(self.take(free, label))
    }

    /// Places for a label: to the right of its circle, or else around it, farther and farther away.
    fn places(&self, farthest: i32, label: &Label) -> impl Iterator<Item = [i32; 4]> + use<> {
        let (width, height) = (width(&label.words, TEXT), TEXT as i32 + 3);
        let Label { centre: (x, y), radius, .. } = *label;
        // Where words would reach beyond the picture, they are moved back.
        let [left, _, right, _] = self.bounds;
        let within = move |x: i32| x.min(right - width).max(left);
        let around = move |away: i32| {
            let across = [x + radius + 6 + away, x - radius - 6 - away - width, x + radius + 6, x - radius - 6 - width];
            let down = [y - radius - 4 - away - height, y + radius + 4 + away, y - radius - 4 - height, y + radius + 4];
            let (over, middle) = (x - width / 2, y - height / 2);
            // Words that are long need not be far off on both axes to be apart from others.
            let beside = [middle, down[0], down[1], down[2], down[3]].map(|y| [(across[0], y), (across[1], y)]);
            let above_and_below = [across[2], across[3], over].map(|x| [(x, down[0]), (x, down[1])]);
            beside.into_iter().chain(above_and_below).flatten()
        };
        (0..farthest)
            .step_by(RING as usize)
            .flat_map(around)
            .map(move |(x, y)| [within(x), y, within(x) + width, y + height])
    }

    /// A rectangle becomes a label's place.
    fn take(&mut self, rectangle: [i32; 4], label: &Label) -> Placed {
        let (nearest, own) = (nearest(&rectangle, label.centre), square(label.centre, label.radius));
        let leader = along([label.centre, nearest], 3).filter(|point| !contains(&own, *point));
        self.solid.extend(leader.map(|point| square(point, 1)));
        self.solid.push(rectangle);
        Placed { rectangle, nearest }
    }

    fn is_free(&self, place: &[i32; 4]) -> bool {
        const GAP: i32 = 2;
        let [x0, y0, x1, y1] = place;
        let [left, top, right, bottom] = self.bounds;
        let inside = *x0 >= left && *y0 >= top && *x1 <= right && *y1 <= bottom;
        let apart = |other: &[i32; 4]| {
            *x1 + GAP < other[0] || other[2] + GAP < *x0 || *y1 + GAP < other[1] || other[3] + GAP < *y0
        };
        inside && self.lines.iter().chain(&self.solid).all(apart)
    }

    /// Whether a line leads from a point to its label without another's label or point on the way.
    fn is_led(&self, place: &[i32; 4], centre: (i32, i32)) -> bool {
        let others = || self.solid.iter().filter(|other| !contains(other, centre));
        along([centre, nearest(place, centre)], 2).all(|point| others().all(|other| !contains(other, point)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::INK;

    fn label(words: &str, centre: (i32, i32)) -> Label {
        Label { words: words.into(), centre, radius: 6, colour: INK }
    }

    #[test]
    fn labels_of_one_place_lie_beside_each_other() {
        let mut labels = Labels::within([0, 0, 800, 600]);
        labels.keep_free((400, 300), 6);
        let places = labels.place_all(&vec![label("word", (400, 300)); 40]);
        for (number, place) in places.iter().enumerate() {
            let [x0, y0, x1, y1] = place.rectangle;
            assert!(x0 >= 0 && y0 >= 0 && x1 <= 800 && y1 <= 600, "{place:?}");
            for other in &places[..number] {
                let [left, top, right, bottom] = other.rectangle;
                assert!(x1 < left || right < x0 || y1 < top || bottom < y0, "{place:?} {other:?}");
            }
        }
    }

    #[test]
    fn nothing_lies_between_a_label_and_its_point() {
        let mut labels = Labels::within([0, 0, 400, 400]);
        // A wall of points to the right, with room before it for no label, and behind it for any.
        (0..=40).for_each(|place| labels.keep_free((215, 10 * place), 6));
        labels.keep_free((200, 200), 6);
        let place = labels.place(&label("word", (200, 200)));
        assert!(place.rectangle[2] < 209, "{place:?}");
    }

    #[test]
    fn a_label_that_was_left_without_a_place_chooses_first() {
        let words = "words that are long";
        // Room for one line, with more of it to the right of the point: for the long words, or for the short ones.
        let mut greedy = Labels::within([0, 0, 52 + width(words, TEXT), 20]);
        let wanted = [label("1", (40, 9)), label(words, (40, 9))];
        greedy.keep_free((40, 9), 6);
        let mut patient = greedy.clone();
        assert!(greedy.place_near(48, &wanted[0]).is_some() && greedy.place_near(48, &wanted[1]).is_none());
        assert!(patient.place_all_near(48, &wanted).is_some());
    }

    #[test]
    fn a_name_that_has_no_room_near_by_has_no_place() {
        let mut labels = Labels::within([0, 0, 60, 400]);
        assert!(labels.place_all_near(48, &[label("far too many words", (30, 200))]).is_none());
        assert!(labels.place_all_near(48, &[label("1", (30, 200))]).is_some());
    }
}
