//! What accuracy costs: what each of many learners came to, over the time or the arithmetic that its training took.

use plotters::element::{Circle, DashedPathElement, PathElement, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor, WHITE};

use super::figure::{Area, Drawn, Figure};
use super::labels::{Label, Labels, Placed};
use super::legend::{self, DASHES, Entry, Mark};
use super::marks::Shape;
use super::panel::{Axis, inside, panel, place};
use super::style::{INK, PALETTE, TEXT, TITLE, anchored, text, width};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct TradeOff {
    pub title: String,
    /// What the costs are: `seconds of training`, say; and what is said of those that have the most value for their cost.
    pub costs: [String; 2],
    /// What the values are: the axis' title. More is better.
    pub values: String,
    /// What the values cannot go beyond: `[0.0, 1.0]` for an accuracy.
    pub limits: [f64; 2],
    /// What the choices are that are not highlighted, and what the highlighted ones are. Said where there are both.
    pub kinds: [String; 2],
    /// A value to reach, and what it is called.
    pub target: Option<(f64, String)>,
    /// At least one.
    pub choices: Vec<Choice>,
}

/// One point.
#[derive(Clone, Debug)]
pub struct Choice {
    pub name: String,
    /// More than 0.
    pub cost: f64,
    /// Finite.
    pub value: f64,
    /// How far the value may be off in both directions; 0 where nothing is known of that.
    pub spread: f64,
    /// Whether the point has the other colour.
    pub highlighted: bool,
}

/// Names beside their points; or numbers there, where names have no room, and the names in a list at the right.
struct Words {
    beside: Vec<(Label, Placed)>,
    list: Vec<String>,
}

const MARGIN: i32 = 20;
const WIDTH: i32 = 960;
const HEIGHT: i32 = 620;
/// From one line of the list to the next.
const LINE: i32 = 20;
/// The room for its numbers.
const NUMBER: i32 = 30;
const RADIUS: i32 = 6;
/// Of the two kinds of points: light and dark without colours, too.
const COLOURS: [RGBColor; 2] = [PALETTE[4], PALETTE[1]];
const BEST: RGBColor = RGBColor(150, 150, 150);
const TARGET: RGBColor = PALETTE[2];
/// How far from its point a name may be, in pixels.
const NEAR: i32 = 100;

impl TradeOff {
    fn axes(&self) -> [Axis; 2] {
        let costs = self.choices.iter().map(|choice| choice.cost);
        let ends = self.choices.iter().flat_map(|choice| [choice.value - choice.spread, choice.value + choice.spread]);
        let values = ends.chain(self.target.iter().map(|(value, _)| *value));
        let title = format!("{} (logarithmic)", self.costs[0]);
        [Axis::logarithmic(&title, costs), Axis::over(&self.values, values, self.limits)]
    }

    /// Width and height of the part that has the axes.
    fn panel(&self) -> (u32, u32) {
        (WIDTH.unsigned_abs(), HEIGHT.max(LINE * self.choices.len() as i32 + 2 * MARGIN).unsigned_abs())
    }

    /// A point's place in that part.
    fn pixel(&self, axes: &[Axis; 2], cost: f64, value: f64) -> (i32, i32) {
        let (x, y) = place([&axes[0], &axes[1]], self.panel(), (cost, value));
        (x.round() as i32, y.round() as i32)
    }

    /// The choices that no other is both as cheap as and better than, from the cheapest to the best.
    fn best(&self) -> Vec<&Choice> {
        let mut best: Vec<&Choice> = self.choices.iter().collect();
        best.sort_by(|one, other| one.cost.total_cmp(&other.cost).then(other.value.total_cmp(&one.value)));
        let mut most = f64::NEG_INFINITY;
        best.retain(|choice| {
            let better = choice.value > most;
            most = most.max(choice.value);
            better
        });
        best
    }

    /// The corners of the line that says what is the best for so much.
    fn best_line(&self, axes: &[Axis; 2]) -> Vec<(i32, i32)> {
        let best = self.best();
        let corner = |pair: &[&Choice]| {
            let [from, to] = [pair[0], pair[1]];
            [self.pixel(axes, from.cost, from.value), self.pixel(axes, to.cost, from.value)]
        };
        let last = best.last().map(|last| self.pixel(axes, last.cost, last.value));
        let [_, _, right, _] = inside(self.panel());
        let end = last.map(|(_, y)| (right, y));
        best.windows(2).flat_map(corner).chain(last).chain(end).collect()
    }

    /// What says how far values may be off: a line through each such point.
    fn whiskers(&self, axes: &[Axis; 2]) -> impl Iterator<Item = [(i32, i32); 2]> {
        let spread = self.choices.iter().filter(|choice| choice.spread > 0.0);
        let end = |choice: &Choice, sign: f64| {
            let value = (choice.value + sign * choice.spread).clamp(self.limits[0], self.limits[1]);
            self.pixel(axes, choice.cost, value)
        };
        spread.map(move |choice| [end(choice, -1.0), end(choice, 1.0)]).collect::<Vec<_>>().into_iter()
    }

    /// The line of what is to be reached.
    fn target_line(&self, axes: &[Axis; 2]) -> Option<[(i32, i32); 2]> {
        let [left, _, right, _] = inside(self.panel());
        let (_, y) = self.pixel(axes, self.choices[0].cost, self.target.as_ref()?.0);
        Some([(left, y), (right, y)])
    }

    /// The labels that the points would have.
    fn labels(&self, words: impl Fn(usize) -> String) -> Vec<Label> {
        let axes = self.axes();
        let label = |(place, choice): (usize, &Choice)| Label {
            words: words(place),
            centre: self.pixel(&axes, choice.cost, choice.value),
            radius: RADIUS,
            colour: COLOURS[usize::from(choice.highlighted)],
        };
        self.choices.iter().enumerate().map(label).collect()
    }

    fn words(&self) -> Words {
        let names = self.labels(|place| self.choices[place].name.clone());
        let mut free = Labels::within(inside(self.panel()));
        names.iter().for_each(|label| free.keep_free(label.centre, RADIUS));
        let axes = self.axes();
        free.keep_line_free(&self.best_line(&axes));
        self.whiskers(&axes).chain(self.target_line(&axes)).for_each(|line| free.keep_line_free(&line));
        if let Some(places) = free.place_all_near(NEAR, &names) {
            return Words { beside: names.into_iter().zip(places).collect(), list: Vec::new() };
        }
        let numbers = self.labels(|place| (place + 1).to_string());
        let places = free.place_all(&numbers);
        Words {
            beside: numbers.into_iter().zip(places).collect(),
            list: names.into_iter().map(|label| label.words).collect(),
        }
    }

    fn legend(&self) -> Vec<Entry> {
        let has = |highlighted| self.choices.iter().any(|choice| choice.highlighted == highlighted);
        let entry = |mark, colour, words: &str| Entry { mark, colour, words: words.into() };
        let kinds = COLOURS.into_iter().zip(&self.kinds);
        let kinds = kinds.map(|(colour, words)| entry(Mark::Point(Shape::Circle), colour, words));
        let best = entry(Mark::Dashed, BEST, &self.costs[1]);
        let target = self.target.iter().map(|(_, words)| entry(Mark::Dashed, TARGET, words));
        kinds.filter(|_| has(false) && has(true)).chain([best]).chain(target).collect()
    }

    /// The width of all.
    fn width(&self, words: &Words) -> i32 {
        let list = words.list.iter().map(|words| width(words, TEXT)).max().unwrap_or(0);
        let head = width(&self.title, TITLE).max(legend::widest(&self.legend())) + 2 * MARGIN;
        head.max(WIDTH + if words.list.is_empty() { 0 } else { NUMBER + list + MARGIN })
    }

    /// The height of what is above the points.
    fn head(&self, across: i32) -> i32 {
        MARGIN + TITLE as i32 + 14 + legend::height(&self.legend(), across - 2 * MARGIN)
    }
}

impl Figure for TradeOff {
    fn size(&self) -> (u32, u32) {
        let across = self.width(&self.words());
        (across.unsigned_abs(), self.head(across).unsigned_abs() + self.panel().1)
    }

    fn draw(&self, area: &Area) -> Drawn {
        let words = self.words();
        let across = self.width(&words);
        area.draw(&Text::new(self.title.as_str(), (MARGIN, MARGIN), anchored(TITLE, HPos::Left, VPos::Top)))?;
        legend::draw(area, &self.legend(), (MARGIN, MARGIN + TITLE as i32 + 14), across - 2 * MARGIN)?;
        let (_, rest) = area.split_vertically(self.head(across));
        let (left, right) = rest.split_horizontally(WIDTH);
        let axes = self.axes();
        panel(&left, &axes[0], &axes[1])?;
        rest.draw(&DashedPathElement::new(self.best_line(&axes), DASHES.0, DASHES.1, BEST.stroke_width(2)))?;
        if let Some(line) = self.target_line(&axes) {
            rest.draw(&DashedPathElement::new(line, DASHES.0, DASHES.1, TARGET.stroke_width(2)))?;
        }
        for whisker in self.whiskers(&axes) {
            rest.draw(&PathElement::new(whisker, INK.stroke_width(1)))?;
        }
        for leader in words.beside.iter().filter_map(|(label, at)| at.leader(label)) {
            rest.draw(&leader)?;
        }
        for (label, at) in &words.beside {
            rest.draw(&Circle::new(label.centre, RADIUS, label.colour.filled()))?;
            rest.draw(&Circle::new(label.centre, RADIUS, WHITE.stroke_width(1)))?;
            rest.draw(&at.text(&label.words))?;
        }
        for (line, words) in (0..).zip(&words.list) {
            let (y, number) = (MARGIN + line * LINE, anchored(TEXT, HPos::Right, VPos::Top));
            right.draw(&Text::new((line + 1).to_string(), (NUMBER - 8, y), number))?;
            right.draw(&Text::new(words.as_str(), (NUMBER, y), text(TEXT)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade_off(choices: &[(f64, f64)]) -> TradeOff {
        let choice = |(seconds, value): &(f64, f64)| Choice {
            name: format!("a learner that takes {seconds} s"),
            cost: *seconds,
            value: *value,
            spread: 0.0,
            highlighted: false,
        };
        TradeOff {
            title: String::new(),
            costs: ["seconds of training".into(), "the best in that time".into()],
            target: None,
            values: "accuracy".into(),
            limits: [0.0, 1.0],
            kinds: [String::new(), String::new()],
            choices: choices.iter().map(choice).collect(),
        }
    }

    #[test]
    fn the_best_have_none_that_is_faster_and_better() {
        let best = |choices: &[(f64, f64)]| {
            trade_off(choices).best().iter().map(|choice| (choice.cost, choice.value)).collect::<Vec<_>>()
        };
        assert_eq!(best(&[(3.0, 0.7), (1.0, 0.5), (2.0, 0.4), (4.0, 0.7), (3.0, 0.8)]), [(1.0, 0.5), (3.0, 0.8)]);
        assert_eq!(best(&[(1.0, 0.5)]), [(1.0, 0.5)]);
    }

    #[test]
    fn names_are_beside_their_points_or_in_a_list() {
        let apart = trade_off(&[(1.0, 0.5), (10.0, 0.7), (100.0, 0.9)]).words();
        assert_eq!((apart.beside.len(), apart.list.len()), (3, 0));
        let together = trade_off(&[(10.0, 0.7); 40]).words();
        assert_eq!((together.beside.len(), together.list.len()), (40, 40));
        assert_eq!(
            (together.beside[39].0.words.as_str(), together.list[39].as_str()),
            ("40", "a learner that takes 10 s")
        );
    }
}
