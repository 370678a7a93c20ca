//! The page itself: `templates/report.html` with the contents filled in. The template escapes all but the drawings,
//! whose own text is escaped already.

use askama::Template;

use super::drawings::{self, Drawing};
use super::samples::{Shown, correct, mistakes};
use super::{Contents, tables};
use crate::error::{Error, Result};
use crate::evaluate::{Calibration, Confusion, Report};
use crate::model::{Layers, layers, thousands};
use crate::train::Environment;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    contents: Contents<'a>,
    environment: &'a Environment,
    folder: String,
    facts: Vec<(&'static str, String)>,
    curves: Option<Drawing>,
    headings: Vec<&'static str>,
    epochs: Vec<Vec<String>>,
    /// How many trained, validated (none where there was no validation) and tested.
    samples: (String, Option<String>, String),
    classes: Vec<[String; 5]>,
    accuracy: String,
    averages: Vec<[String; 5]>,
    confusion: Drawing,
    confused: Vec<[String; 4]>,
    calibration: Drawing,
    mistakes: Vec<Shown>,
    correct: Vec<Shown>,
    /// Whether images are ink on paper, and may be turned around in the dark.
    ink: bool,
    /// Each layer's row, and in a graph what it takes.
    layers: Vec<([String; 3], Option<String>)>,
    parameters: String,
    configuration: Vec<(String, String)>,
    machine: Vec<(&'static str, &'a str)>,
}

/// The text of the page.
///
/// # Errors
/// [`Error::Failed`] where a picture cannot be drawn.
pub fn html(contents: &Contents) -> Result<String> {
    let Contents { state, environment, predictions, names, split, loss, .. } = *contents;
    let confusion = Confusion::new(predictions);
    let report = Report::new(&confusion);
    let calibration = Calibration::new(predictions);
    let (headings, epochs) = tables::epochs(contents);
    let validated = state.config.validates().then(|| thousands(split[1]));
    let Layers { rows, inputs, parameters } = layers(&state.config.model)?;
    let inputs = inputs.map_or_else(|| vec![None; rows.len()], |inputs| inputs.into_iter().map(Some).collect());
    let flop = (state.config.epoch_flop(split[0])? as f64) * state.epoch as f64;
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut facts = vec![
        ("test accuracy", percent(report.accuracy)),
        ("test loss", format!("{loss:.4}")),
        ("top-2 accuracy", percent(predictions.top(2))),
        ("calibration error", percent(calibration.expected_error)),
        ("parameters", thousands(parameters)),
        ("training FLOP", format!("{flop:.2e}")),
    ];
    if let Some(rate) = samples_per_second(contents) {
        facts.push(("images a second", thousands(rate.round() as usize)));
    }
    let page = Page {
        environment,
        folder: contents.folder.display().to_string(),
        facts,
        curves: drawings::curves(contents)?,
        headings,
        epochs,
        samples: (thousands(split[0]), validated, thousands(predictions.len())),
        classes: tables::classes(&report, names),
        accuracy: format!("{:.2}", report.accuracy),
        averages: tables::averages(&report),
        confused: tables::confused(&confusion, names),
        confusion: drawings::confusion(&confusion, names)?,
        calibration: drawings::calibration(&calibration)?,
        mistakes: mistakes(contents),
        correct: correct(contents),
        ink: contents.test.shape[2] < 3,
        layers: rows.into_iter().zip(inputs).collect(),
        parameters: thousands(parameters),
        configuration: tables::configuration(&state.config),
        machine: tables::machine(environment),
        contents: *contents,
    };
    page.render().map_err(|error| Error::Failed(format!("the report cannot be written: {error}")))
}

/// Training samples by the seconds of an epoch: the median of the epochs whose seconds are known.
fn samples_per_second(contents: &Contents) -> Option<f64> {
    let mut seconds: Vec<f64> = contents.history.rows().iter().filter_map(|(_, seconds)| *seconds).collect();
    seconds.retain(|seconds| *seconds > 0.0);
    seconds.sort_by(f64::total_cmp);
    let samples = contents.state.config.visited(contents.split[0]);
    seconds.get(seconds.len() / 2).map(|seconds| samples as f64 / seconds)
}
