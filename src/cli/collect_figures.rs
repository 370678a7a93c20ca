//! The two pictures of a sweep.

use std::path::Path;

use super::collect_table::Row;
use super::console::Console;
use crate::error::Result;
use crate::plot::{Bar, BarChart, Coordinate, Line, ParallelCoordinates, save};
use crate::sweep::{Importance, Manifest, Status, importance};
use crate::train::Monitor;

/// Draws what there is to be seen; the files' names. Says why a picture is missing.
///
/// # Errors
/// See [`save`].
pub fn draw(manifest: &Manifest, rows: &[Row], folder: &Path, console: &mut Console) -> Result<Vec<String>> {
    let mut drawn = Vec::new();
    let lines: Vec<Line> = rows.iter().filter_map(|row| line(manifest, row)).collect();
    if lines.is_empty() || manifest.parameters.is_empty() {
        console.show("no picture: nothing varies, or no task has ended");
        return Ok(drawn);
    }
    let complete: Vec<(Vec<f64>, f64)> =
        lines.iter().filter(|line| !line.pruned).map(|line| (line.places.clone(), line.result)).collect();
    let (runs, name, metric) = (lines.len(), &manifest.name, manifest.metric);
    let parameters = manifest
        .parameters
        .iter()
        .map(|parameter| Coordinate { name: parameter.name.clone(), ticks: parameter.values.ticks() });
    let figure = ParallelCoordinates {
        title: format!("{name}: {runs} runs, the best in orange; thin lines were pruned"),
        parameters: parameters.collect(),
        result: metric.name().to_owned(),
        larger_is_better: matches!(metric, Monitor::ValAccuracy | Monitor::Accuracy),
        lines,
    };
    save(&figure, folder, "parallel_coordinates")?;
    drawn.push("parallel_coordinates.{svg,png}".to_owned());
    match importance(&complete) {
        None => console.show("no picture of importance: there are no two complete runs whose results differ"),
        Some(found) => {
            save(&bars(manifest, &found, complete.len()), folder, "importance")?;
            drawn.push("importance.{svg,png}".to_owned());
        }
    }
    Ok(drawn)
}

/// A task that has ended, complete or pruned.
fn line(manifest: &Manifest, row: &Row) -> Option<Line> {
    let outcome = row.outcome().filter(|outcome| matches!(outcome.status, Status::Complete | Status::Pruned))?;
    let values = &manifest.tasks[row.number - 1].values;
    let place = |parameter: &crate::sweep::Parameter| parameter.values.place(values.get(&parameter.name)?);
    let places: Vec<f64> = manifest.parameters.iter().map(place).collect::<Option<_>>()?;
    let result = row.metric(manifest.metric).filter(|result| result.is_finite())?;
    Some(Line { places, result, pruned: outcome.status == Status::Pruned })
}

fn bars(manifest: &Manifest, found: &Importance, runs: usize) -> BarChart {
    let bar = |name: &str, value: f64, highlighted| Bar { name: name.to_owned(), value, mark: None, highlighted };
    let names = manifest.parameters.iter().map(|parameter| parameter.name.as_str());
    let mut bars: Vec<Bar> = names.zip(&found.alone).map(|(name, value)| bar(name, *value, false)).collect();
    bars.sort_by(|one, other| other.value.total_cmp(&one.value));
    bars.push(bar("combinations, and chance", found.together, true));
    BarChart {
        title: format!("{}: what explains {} of {runs} complete runs", manifest.name, manifest.metric.name()),
        values: "part of the variance (functional ANOVA, random forest)".into(),
        kinds: ["a parameter by itself".into(), "what no parameter explains by itself".into()],
        marks: String::new(),
        bars,
    }
}
