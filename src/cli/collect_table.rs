//! What became of each task of a sweep: a table on the terminal, and `sweep.csv`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json, json};
use toml::Value;

use super::output;
use crate::error::{Error, Result};
use crate::evaluate::Spread;
use crate::formats::{make_folder, write_own};
use crate::sweep::{Manifest, Outcome, Standing, Task, epochs, shown};
use crate::train::{EpochResult, Monitor};

/// What is known of one task.
pub struct Row {
    /// From 1.
    pub number: usize,
    pub standing: Standing,
    /// The last epoch that has ended.
    pub last: Option<EpochResult>,
}

/// What repeats a configuration: the rest of the parameters are what it is.
const REPETITIONS: [&str; 2] = ["seed", "fold"];

/// The columns behind those of the parameters.
const COLUMNS: [&str; 12] = [
    "status",
    "epochs",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "training_flop",
    "seconds",
    "adapter",
    "host",
];

impl Row {
    /// # Errors
    /// See [`Manifest::standing`].
    pub fn of(manifest: &Manifest, number: usize) -> Result<Self> {
        let standing = manifest.standing(number)?;
        Ok(Self { number, standing, last: epochs(&manifest.task_folder(number)).last().copied() })
    }

    pub fn outcome(&self) -> Option<&Outcome> {
        if let Standing::Ended(outcome) = &self.standing { Some(outcome) } else { None }
    }

    /// What the runs are compared by, of the last epoch.
    pub fn metric(&self, metric: Monitor) -> Option<f64> {
        self.last.as_ref().and_then(|last| metric.of(last))
    }

    fn status(&self) -> &'static str {
        match &self.standing {
            Standing::Waiting => "waiting",
            Standing::Begun => "begun",
            Standing::Ended(outcome) => outcome.status.name(),
        }
    }

    /// The columns by their names.
    pub fn object(&self, manifest: &Manifest) -> Map<String, Json> {
        let (last, outcome) = (self.last.as_ref(), self.outcome());
        let cells = [
            json!(self.status()),
            json!(last.map_or(0, |last| last.epoch)),
            json!(last.map(|last| last.loss)),
            json!(last.map(|last| last.accuracy)),
            json!(last.and_then(|last| last.val_loss)),
            json!(last.and_then(|last| last.val_accuracy)),
            json!(outcome.and_then(|outcome| outcome.test_loss)),
            json!(outcome.and_then(|outcome| outcome.test_accuracy)),
            json!(outcome.map(|outcome| outcome.training_flop)),
            json!(outcome.map(|outcome| outcome.seconds)),
            json!(outcome.map(|outcome| &outcome.adapter)),
            json!(outcome.map(|outcome| &outcome.host)),
        ];
        let values = &manifest.tasks[self.number - 1].values;
        let parameters = manifest.parameters.iter().map(|parameter| &parameter.name);
        let parameters = parameters.map(|name| (name.clone(), json!(values.get(name))));
        let columns = COLUMNS.into_iter().map(str::to_owned).zip(cells);
        [("task".to_owned(), json!(self.number))].into_iter().chain(parameters).chain(columns).collect()
    }
}

/// Writes `sweep.csv`, the tasks in their order.
///
/// # Errors
/// [`Error::Failed`] naming the file that cannot be written.
pub fn write(manifest: &Manifest, rows: &[Row], folder: &Path) -> Result<()> {
    let cell = |value: &Json| match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        value => value.to_string(),
    };
    let names = manifest.parameters.iter().map(|parameter| parameter.name.as_str());
    let names: Vec<&str> = ["task"].into_iter().chain(names).chain(COLUMNS).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut written = table.write_record(&names);
    for row in rows {
        let object = row.object(manifest);
        written = written.and_then(|()| table.write_record(names.iter().map(|name| cell(&object[*name]))));
    }
    let path = folder.join("sweep.csv");
    let bytes =
        written.map_err(|error| error.to_string()).and_then(|()| table.into_inner().map_err(|error| error.to_string()));
    let bytes = bytes.map_err(|error| Error::Failed(format!("{}: cannot be written ({error})", path.display())))?;
    make_folder(folder)?;
    write_own(&path, &bytes)
}

/// The tasks in a table, the best first; and the configurations, where each was trained more than once.
pub fn text(manifest: &Manifest, rows: &[Row]) -> String {
    let metric = manifest.metric;
    let mut sorted: Vec<&Row> = rows.iter().collect();
    // Those without a result keep their order, and are last.
    sorted.sort_by(|one, other| better_first(metric, one.metric(metric), other.metric(metric)));
    let names: Vec<&str> = manifest.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let after = ["status", "epochs", metric.name(), "test_accuracy", "training_flop", "seconds"];
    let headings: Vec<&str> = ["task"].into_iter().chain(names.iter().copied()).chain(after).collect();
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let row = |row: &&Row| {
        let values = &manifest.tasks[row.number - 1].values;
        let values = names.iter().map(|name| values.get(*name).map(shown).unwrap_or_default());
        let outcome = row.outcome();
        let cells = [
            row.status().to_owned(),
            row.last.map_or(0, |last| last.epoch).to_string(),
            number(row.metric(metric)),
            number(outcome.and_then(|outcome| outcome.test_accuracy)),
            outcome.map_or_else(|| "-".into(), |outcome| format!("{:.3e}", outcome.training_flop as f64)),
            outcome.map_or_else(|| "-".into(), |outcome| format!("{:.1}", outcome.seconds)),
        ];
        [row.number.to_string()].into_iter().chain(values).chain(cells).collect::<Vec<String>>()
    };
    let table = output::table(&headings, &sorted.iter().map(row).collect::<Vec<_>>());
    // From 0 on: the sum of none is -0.
    let sum =
        |of: fn(&Outcome) -> f64| rows.iter().filter_map(Row::outcome).fold(0.0, |sum, outcome| sum + of(outcome));
    let (flop, seconds) = (sum(|outcome| outcome.training_flop as f64), sum(|outcome| outcome.seconds));
    let all = format!("\nin all: {flop:.3e} training FLOP, {seconds:.1} s of training\n");
    table + &all + &repeated(manifest, rows)
}

fn better_first(metric: Monitor, one: Option<f64>, other: Option<f64>) -> std::cmp::Ordering {
    let cost = |value: Option<f64>| match (metric, value) {
        (_, None) => f64::INFINITY,
        (Monitor::ValLoss | Monitor::Loss, Some(value)) => value,
        (Monitor::ValAccuracy | Monitor::Accuracy, Some(value)) => -value,
    };
    cost(one).total_cmp(&cost(other))
}

/// What the configurations came to over their seeds and folds; nothing where each was trained once.
fn repeated(manifest: &Manifest, rows: &[Row]) -> String {
    let names: Vec<&str> = manifest.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    if !names.iter().any(|name| REPETITIONS.contains(name)) {
        return String::new();
    }
    let names: Vec<&str> = names.into_iter().filter(|name| !REPETITIONS.contains(name)).collect();
    let metric = manifest.metric;
    let configuration = |task: &Task| -> Vec<String> {
        names.iter().map(|name| task.values.get(*name).map(|value: &Value| shown(value)).unwrap_or_default()).collect()
    };
    let mut found: BTreeMap<Vec<String>, Vec<[f64; 2]>> = BTreeMap::new();
    for row in rows {
        let figures = row.metric(metric).zip(row.outcome().and_then(|outcome| outcome.test_accuracy));
        if let Some((value, test)) = figures {
            found.entry(configuration(&manifest.tasks[row.number - 1])).or_default().push([value, test]);
        }
    }
    let mut means: Vec<(Vec<String>, usize, [Spread; 2])> = found
        .into_iter()
        .map(|(values, runs)| {
            let of = |place: usize| Spread::new(&runs.iter().map(|run| run[place]).collect::<Vec<f64>>());
            (values, runs.len(), [of(0), of(1)])
        })
        .collect();
    if means.is_empty() {
        return String::new();
    }
    means.sort_by(|(.., one), (.., other)| better_first(metric, Some(one[0].mean), Some(other[0].mean)));
    let of = |spread: &Spread| {
        let Spread { mean, standard_deviation, confidence } = spread;
        [mean, standard_deviation, confidence].map(|figure| format!("{figure:.4}"))
    };
    let row = |(values, runs, [value, test]): &(Vec<String>, usize, [Spread; 2])| {
        values.iter().cloned().chain([runs.to_string()]).chain(of(value)).chain(of(test)).collect::<Vec<String>>()
    };
    let columns = [metric.name(), "deviation", "95 % ±", "test_accuracy", "deviation", "95 % ±"];
    let headings: Vec<&str> = names.iter().copied().chain(["runs"]).chain(columns).collect();
    format!("\nmeans over seeds and folds:\n{}", output::table(&headings, &means.iter().map(row).collect::<Vec<_>>()))
}
