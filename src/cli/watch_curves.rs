//! The curves of `watch`: loss or accuracy, in training and validation.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

use crate::tracking::{Epoch, TrackedRun};
use crate::train::StepResult;

/// What one figure is of.
pub struct Curve {
    /// `loss by epoch`
    title: String,
    training: Vec<(f64, f64)>,
    /// Empty where nothing is validated.
    validation: Vec<(f64, f64)>,
    /// No value is above.
    most: f64,
}

/// Many steps are so many means: a terminal has no more columns for them.
const POINTS: usize = 400;

impl Curve {
    /// By epoch, or by step.
    pub fn loss(run: &TrackedRun, steps: bool) -> Self {
        match steps {
            true => Self::by_step("loss", run.steps(), |step| step.loss),
            false => Self::by_epoch("loss", &run.epochs, |epoch| (epoch.result.loss, epoch.result.val_loss)),
        }
    }

    /// By epoch, or by step.
    pub fn accuracy(run: &TrackedRun, steps: bool) -> Self {
        let curve = match steps {
            true => Self::by_step("accuracy", run.steps(), |step| step.accuracy),
            false => {
                Self::by_epoch("accuracy", &run.epochs, |epoch| (epoch.result.accuracy, epoch.result.val_accuracy))
            }
        };
        Self { most: 1.0, ..curve }
    }

    fn by_epoch(name: &str, epochs: &[Epoch], values: fn(&Epoch) -> (f64, Option<f64>)) -> Self {
        let values = epochs.iter().map(|epoch| (epoch.result.epoch as f64, values(epoch)));
        let training = values.clone().map(|(epoch, (training, _))| (epoch, training)).collect();
        let validation = values.filter_map(|(epoch, (_, validation))| Some((epoch, validation?))).collect();
        Self { title: format!("{name} by epoch"), training, validation, most: f64::INFINITY }
    }

    fn by_step(name: &str, steps: &[StepResult], value: fn(&StepResult) -> f64) -> Self {
        let mean = |steps: &[StepResult]| {
            let sum: f64 = steps.iter().map(value).sum();
            (steps.last().map_or(0.0, |last| last.step.into()), sum / steps.len() as f64)
        };
        let training = steps.chunks(steps.len().div_ceil(POINTS).max(1)).map(mean).collect();
        Self { title: format!("{name} by step"), training, validation: Vec::new(), most: f64::INFINITY }
    }

    /// The smallest and the largest of the values, by which of a point's two they are; a little apart where they are the same.
    fn range(&self, of: fn(&(f64, f64)) -> f64) -> [f64; 2] {
        let values = || self.training.iter().chain(&self.validation).map(of);
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        if high > low { [low, high] } else { [low - 0.5, high + 0.5] }
    }
}

/// Draws it.
pub fn curves(frame: &mut Frame, area: Rect, curve: &Curve, colour: bool) {
    let style = |of: Color| if colour { Style::new().fg(of) } else { Style::new() };
    let (training, validation) = (style(Color::Magenta), style(Color::Green));
    let mut title = vec![Span::raw(format!(" {}: ", curve.title)), Span::styled("⠒⠒ train", training)];
    if !curve.validation.is_empty() {
        title.extend([Span::raw("  "), Span::styled("•• val", validation)]);
    }
    title.push(Span::raw(" "));
    let block = Block::bordered().title(Line::from(title));
    if curve.training.is_empty() {
        let nothing = Paragraph::new("nothing is known yet").alignment(Alignment::Center).block(block);
        return frame.render_widget(nothing, area);
    }
    let line =
        |data, marker, style| Dataset::default().data(data).marker(marker).graph_type(GraphType::Line).style(style);
    let lines =
        vec![line(&curve.training, Marker::Braille, training), line(&curve.validation, Marker::Dot, validation)];
    let (across, up) = (curve.range(|point| point.0), curve.range(|point| point.1));
    let margin = 0.05 * (up[1] - up[0]);
    let up = [(up[0] - margin).max(0.0), (up[1] + margin).min(curve.most)];
    let middle = (up[0] + up[1]) / 2.0;
    let chart = Chart::new(lines)
        .block(block)
        .legend_position(None)
        .x_axis(Axis::default().bounds(across).labels(across.map(|value| format!("{value:.0}"))))
        .y_axis(Axis::default().bounds(up).labels([up[0], middle, up[1]].map(|value| format!("{value:.3}"))));
    frame.render_widget(chart, area);
}
