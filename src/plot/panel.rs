//! The part of a figure that has two axes.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::{Cartesian2d, DrawingArea, DrawingAreaErrorKind, SVGBackend};

use super::style::{FAINT, INK, SMALL, TEXT, text};

/// An axis from one value to another, with ticks at round numbers.
#[derive(Clone, Debug)]
pub struct Axis {
    title: String,
    from: f64,
    to: f64,
    /// Between two ticks.
    step: f64,
    ticks: Vec<f64>,
    /// Whether equal lengths are equal factors.
    logarithmic: bool,
}

/// Draws values where they belong.
pub type Panel<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// The room for an axis' labels and title: for numbers such as 0.00025 or 1e30 beside it, and for a line below.
pub const BESIDE: u32 = 76;
pub const BELOW: u32 = 50;
/// On the other sides.
pub const MARGIN: u32 = 20;
/// The most parts that ticks divide an axis into.
pub const MANY: u32 = 10;

/// The round number (1, 2 or 5 times a power of ten) that divides a length into so many parts or fewer.
fn round_step(length: f64, parts: u32) -> f64 {
    let least = length / f64::from(parts);
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().find(|step| *step >= least * 0.999);
    step.unwrap_or(10.0 * power)
}

/// The multiples of a step between two values.
fn multiples(step: f64, [from, to]: [f64; 2]) -> Vec<f64> {
    let multiples = (0..=MANY).map(|place| ((from / step - 1e-9).ceil() + f64::from(place)) * step);
    multiples.take_while(|multiple| to - multiple >= -1e-9 * step).collect()
}

impl Axis {
    /// From one value to a larger one, in so many parts or fewer.
    pub fn new(title: &str, [from, to]: [f64; 2], parts: u32) -> Self {
        let step = round_step(to - from, parts);
        Self { title: title.to_owned(), from, to, step, ticks: multiples(step, [from, to]), logarithmic: false }
    }

    /// Over finite values and a little more, but not beyond the limits.
    pub fn over(title: &str, values: impl Iterator<Item = f64> + Clone, limits: [f64; 2]) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        // Values that are all the same are seen in the middle.
        let room = if most > least { 0.06 * (most - least) } else { 0.1 * most.abs().max(1e-3) };
        let within = |value: f64| value.clamp(limits[0], limits[1]).min(f64::MAX);
        Self::new(title, [within(least - room), within(most + room)], MANY)
    }

    /// Over whole numbers, which alone have ticks.
    pub fn integers(title: &str, first: usize, last: usize) -> Self {
        let (first, last) = (first as f64, last as f64);
        let room = (0.03 * (last - first)).max(0.5);
        let step = round_step(last - first, MANY).max(1.0);
        let ticks = multiples(step, [first, last]);
        Self { title: title.to_owned(), from: first - room, to: last + room, step, ticks, logarithmic: false }
    }

    /// Over positive values and a little more, at least a factor of 10: each power of ten is as long as another.
    pub fn logarithmic(title: &str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10();
        let most = values.fold(f64::MIN_POSITIVE, f64::max).log10();
        let room = (0.08 * (most - least)).max(0.5 * (1.05 - (most - least)));
        let (from, to) = (least - room, most + room);
        // Few powers have numbers between them.
        let factors: &[f64] = if to - from < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let step = ((to - from) / f64::from(MANY)).ceil();
        let powers = (0..=MANY).map(|place| ((from / step).floor() + f64::from(place)) * step);
        let ticks = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powf(power)));
        let ticks = ticks.filter(|tick| (from..=to).contains(&tick.log10())).collect();
        Self { title: title.to_owned(), from: 10_f64.powf(from), to: 10_f64.powf(to), step, ticks, logarithmic: true }
    }

    /// From 0 to 1, without ticks.
    pub fn bare(title: &str) -> Self {
        Self { title: title.to_owned(), from: 0.0, to: 1.0, step: 1.0, ticks: Vec::new(), logarithmic: false }
    }

    /// What is written beside it.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How far along the axis its ticks are, and their numbers.
    pub fn labels(&self) -> Vec<(f64, String)> {
        self.ticks.iter().map(|tick| (self.part(*tick), self.label(*tick))).collect()
    }

    /// How far along the axis a value is: 0 at its beginning, 1 at its end.
    pub fn part(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }

    /// A tick's number with the digits that tell it from the others.
    fn label(&self, value: f64) -> String {
        if self.logarithmic {
            let digits = (-value.log10() - 1e-9).ceil().max(0.0) as usize;
            return if (1e-5..1e6).contains(&value) { format!("{value:.digits$}") } else { format!("{value:.0e}") };
        }
        match self.step {
            step if (1e-5..1e6).contains(&step) => format!("{value:.*}", (-step.log10().floor()).max(0.0) as usize),
            _ => format!("{value:.1e}"),
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.part(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // No finer lines between the ticks'.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// The pixels between the axes of a panel of that size: the left, upper, right and lower ones.
pub fn inside((width, height): (u32, u32)) -> [i32; 4] {
    [MARGIN + BESIDE, MARGIN, width - MARGIN - 1, height - BELOW - 1].map(|place| place as i32)
}

/// Where a panel of that size has values of its two axes: as [`Panel::backend_coord`] has it, but to fractions of a
/// pixel, and known before anything is drawn.
pub fn place([x, y]: [&Axis; 2], size: (u32, u32), values: (f64, f64)) -> (f64, f64) {
    let [left, top, right, bottom] = inside(size).map(f64::from);
    (left + x.part(values.0) * (right - left), bottom - y.part(values.1) * (bottom - top))
}

/// Draws the axes.
///
/// # Errors
/// As drawing has them.
pub fn panel<'a, 'b>(
    area: &'a DrawingArea<SVGBackend<'b>, Shift>,
    x: &Axis,
    y: &Axis,
) -> Result<Panel<'a, 'b>, DrawingAreaErrorKind<std::io::Error>> {
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_bottom(0)
        .x_label_area_size(BELOW)
        .y_label_area_size(BESIDE)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .x_desc(&x.title)
        .y_desc(&y.title)
        .axis_desc_style(text(TEXT))
        .label_style(text(SMALL))
        .bold_line_style(FAINT)
        .axis_style(INK)
        .draw()?;
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::prelude::IntoDrawingArea;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn epochs_have_whole_numbers() {
        assert_eq!(labels(&Axis::integers("", 1, 1)), ["1"]);
        assert_eq!(labels(&Axis::integers("", 1, 3)), ["1", "2", "3"]);
        assert_eq!(labels(&Axis::integers("", 1, 20)), ["2", "4", "6", "8", "10", "12", "14", "16", "18", "20"]);
        assert_eq!(labels(&Axis::integers("", 1, 1000))[..2], ["100", "200"]);
        for last in 2..2000 {
            let labels = labels(&Axis::integers("", 1, last));
            assert!((2..=11).contains(&labels.len()), "{last}: {labels:?}");
            assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{last}: {labels:?}");
        }
    }

    #[test]
    fn powers_of_ten_are_equally_far_apart() {
        let axis = |values: &[f64]| Axis::logarithmic("", values.iter().copied());
        assert_eq!(labels(&axis(&[0.013, 2600.0])), ["0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(labels(&axis(&[0.3, 8.0])), ["0.5", "1", "2", "5", "10"]);
        assert_eq!(labels(&axis(&[42.0, 42.0])), ["20", "50", "100"]);
        assert!((axis(&[1.0, 10_000.0]).part(100.0) - 0.5).abs() < 1e-12);
        for values in [[1e-9, 1e-9], [1e-9, 1e9], [1e-3, 1e9], [1e-300, 1e300]] {
            let labels = labels(&axis(&values));
            assert!((2..=11).contains(&labels.len()), "{values:?}: {labels:?}");
            assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{values:?}: {labels:?}");
        }
    }

    #[test]
    fn places_are_known_before_they_are_drawn() {
        let mut text = String::new();
        let (x, y) = (Axis::logarithmic("", [1.0, 500.0].into_iter()), Axis::new("", [0.0, 3.0], MANY));
        for size in [(400, 300), (777, 1001)] {
            let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
            let chart = panel(&area, &x, &y).unwrap();
            for values in [(1.0, 0.0), (17.0, 3.0), (500.0, 0.77)] {
                let (drawn, (across, down)) = (chart.backend_coord(&values), place([&x, &y], size, values));
                assert_eq!(drawn, (across.round() as i32, down.round() as i32), "{size:?} {values:?}");
            }
        }
    }

    #[test]
    fn labels_tell_ticks_apart() {
        assert_eq!(labels(&Axis::new("", [0.0, 1.0], 4)), ["0.0", "0.5", "1.0"]);
        assert_eq!(
            labels(&Axis::new("", [0.0, 1.0], MANY)),
            ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
        );
        for values in
            [[0.9121, 0.9123], [0.0, 2.3], [1.5, 1.5], [0.0, 0.0], [1e-30, 2e-30], [0.1, 3e38], [0.0, f64::MAX]]
        {
            let labels = labels(&Axis::over("", values.into_iter(), [0.0, f64::INFINITY]));
            assert!((2..=11).contains(&labels.len()), "{values:?}: {labels:?}");
            assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{values:?}: {labels:?}");
        }
    }
}
