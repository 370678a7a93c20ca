//! A roofline (Williams, Waterman and Patterson, 2009): the arithmetic that each pass does a second, below what the
//! adapter's arithmetic and memory allow at most.

use plotters::chart::ChartBuilder;
use plotters::element::Circle;
use plotters::prelude::IntoLogRange;
use plotters::series::LineSeries;
use plotters::style::{Color, RGBColor, WHITE};

use super::figure::{Area, Drawn, Figure};
use super::labels::{Label, Labels};
use super::style::{FAINT, INK, PALETTE, TEXT, text};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Roofline {
    pub title: String,
    /// The most operations a second.
    pub arithmetic: f64,
    /// The most bytes a second.
    pub bandwidth: f64,
    pub points: Vec<Point>,
}

/// One pass, or several together.
#[derive(Clone, Debug)]
pub struct Point {
    pub label: String,
    /// Points of one group have one colour.
    pub group: String,
    /// Of the step's time: the point's size.
    pub share: f64,
    pub operations: f64,
    pub bytes: f64,
    pub seconds: f64,
}

impl Point {
    /// Operations a byte.
    fn intensity(&self) -> f64 {
        self.operations / self.bytes
    }

    fn operations_per_second(&self) -> f64 {
        self.operations / self.seconds
    }

    /// Of the circle, in pixels: its area is the share.
    fn radius(&self) -> i32 {
        (4.0 + 16.0 * self.share.sqrt()) as i32
    }

    /// Of some points that are too short to matter by themselves.
    fn of_all(points: &[Point]) -> Self {
        let sum = |value: fn(&Point) -> f64| points.iter().map(value).sum();
        Self {
            label: format!("{} short ones", points.len()),
            group: "short ones".into(),
            share: sum(|point| point.share),
            operations: sum(|point| point.operations),
            bytes: sum(|point| point.bytes),
            seconds: sum(|point| point.seconds),
        }
    }
}

/// With three digits at most.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{}", (value * 10.0).round() / 10.0),
        value if value >= 0.01 => format!("{}", (value * 100.0).round() / 100.0),
        value => format!("{value:.0e}"),
    }
}

/// Smallest and largest value, with some room.
fn range(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    [least / 2.5, values.fold(0.0, f64::max) * 2.5]
}

impl Roofline {
    /// Below ceilings of operations and bytes a second; points with a small share become one.
    pub fn new(title: String, [arithmetic, bandwidth]: [f64; 2], points: Vec<Point>) -> Self {
        const SHORT: f64 = 0.02;
        let (mut points, short): (Vec<Point>, Vec<Point>) = points.into_iter().partition(|one| one.share >= SHORT);
        if !short.is_empty() {
            points.push(Point::of_all(&short));
        }
        Self { title, arithmetic, bandwidth, points }
    }

    /// The points that a logarithmic picture can show.
    fn shown(&self) -> impl Iterator<Item = &Point> + Clone {
        self.points.iter().filter(|point| point.operations > 0.0 && point.bytes > 0.0 && point.seconds > 0.0)
    }

    fn colour(&self, group: &str) -> RGBColor {
        let mut groups: Vec<&str> = Vec::new();
        for point in &self.points {
            if !groups.contains(&point.group.as_str()) {
                groups.push(&point.group);
            }
        }
        let place = groups.iter().position(|known| *known == group).unwrap_or(0);
        PALETTE[place % PALETTE.len()]
    }
}

impl Figure for Roofline {
    fn size(&self) -> (u32, u32) {
        (1400, 900)
    }

    fn draw(&self, area: &Area) -> Drawn {
        const GIGA: f64 = 1e-9;
        let ridge = self.arithmetic / self.bandwidth;
        let [left, right] = range(self.shown().map(Point::intensity).chain([ridge]));
        let rates = self.shown().map(|point| GIGA * point.operations_per_second());
        let [bottom, top] = range(rates.chain([GIGA * self.arithmetic]));
        let mut chart = ChartBuilder::on(area)
            .margin(24)
            .caption(&self.title, text(19))
            .x_label_area_size(56)
            .y_label_area_size(84)
            .build_cartesian_2d((left..right).log_scale(), (bottom..top).log_scale())?;
        chart
            .configure_mesh()
            .x_desc("operations for each byte that has to move (FLOP/byte)")
            .y_desc("GFLOP/s")
            .axis_desc_style(text(16))
            .label_style(text(TEXT))
            .bold_line_style(FAINT)
            .light_line_style(WHITE)
            .axis_style(INK)
            .x_label_formatter(&|value| number(*value))
            .y_label_formatter(&|value| number(*value))
            .draw()?;

        let roof = |intensity: f64| (intensity, GIGA * self.arithmetic.min(self.bandwidth * intensity));
        chart.draw_series(LineSeries::new([left, ridge, right].map(roof), INK.stroke_width(3)))?;
        let place = |point: &Point| (point.intensity(), GIGA * point.operations_per_second());
        let pixel = |at: (f64, f64)| chart.backend_coord(&at);
        let mut labels = Labels::new(area.dim_in_pixel());
        let flat = format!("arithmetic: {} GFLOP/s", number(GIGA * self.arithmetic));
        let slope = format!("memory: {} GB/s", number(GIGA * self.bandwidth));
        // The roof itself is kept free of labels.
        labels.keep_line_free(&[left, ridge, right].map(|intensity| pixel(roof(intensity))));
        self.shown().for_each(|point| labels.keep_free(pixel(place(point)), point.radius()));
        for (words, intensity) in [(flat, (ridge * right).sqrt()), (slope, (left * ridge).sqrt())] {
            let label = Label { words, centre: pixel(roof(intensity)), radius: 6, colour: INK };
            area.draw(&labels.place(&label).text(&label.words))?;
        }
        // Large ones get the best places, and lie under small ones.
        let mut points: Vec<&Point> = self.shown().collect();
        points.sort_by(|one, other| other.share.total_cmp(&one.share));
        let label = |point: &&Point| {
            let words = format!("{} {:.1} %", point.label, 100.0 * point.share);
            let colour = self.colour(&point.group);
            Label { words, centre: pixel(place(point)), radius: point.radius(), colour }
        };
        let wanted: Vec<Label> = points.iter().map(label).collect();
        let places = labels.place_all(&wanted);
        for (label, at) in wanted.iter().zip(places) {
            at.leader(label).map_or(Ok(()), |leader| area.draw(&leader))?;
            area.draw(&Circle::new(label.centre, label.radius, label.colour.mix(0.85).filled()))?;
            area.draw(&Circle::new(label.centre, label.radius, WHITE.stroke_width(1)))?;
            area.draw(&at.text(&label.words))?;
        }
        Ok(())
    }
}
