//! What `baseline` compares: its table for people, as a file, and as pictures.

use std::path::Path;

use serde::Serialize;

use super::output;
use crate::error::{Error, Result};
use crate::evaluate::Report;
use crate::formats::write_own;
use crate::plot::{Bar, BarChart, Choice, TradeOff, save};

/// A learner on a reduction, or a network.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    learner: String,
    reduction: String,
    settings: String,
    training_samples: usize,
    /// None where nobody has measured them.
    pub training_seconds: Option<f64>,
    prediction_seconds_per_1000: Option<f64>,
    val_accuracy: Option<f64>,
    val_macro_f1: Option<f64>,
    test_accuracy: Option<f64>,
    test_macro_f1: Option<f64>,
    /// Why there are no figures.
    pub error: Option<String>,
    #[serde(skip)]
    pub network: bool,
}

/// How good predictions are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    accuracy: f64,
    macro_f1: f64,
    samples: u64,
}

impl Score {
    pub fn of(report: &Report) -> Self {
        let average = &report.macro_average;
        Self { accuracy: report.accuracy, macro_f1: average.f1_score, samples: average.support }
    }
}

impl Row {
    /// A row without figures.
    pub fn new(learner: &str, reduction: &str, settings: &str, training_samples: usize) -> Self {
        Self {
            learner: learner.to_owned(),
            reduction: reduction.to_owned(),
            settings: settings.to_owned(),
            training_samples,
            training_seconds: None,
            prediction_seconds_per_1000: None,
            val_accuracy: None,
            val_macro_f1: None,
            test_accuracy: None,
            test_macro_f1: None,
            error: None,
            network: false,
        }
    }

    /// Takes the scores of validation, if there is one, and test, and the seconds that the predictions took.
    pub fn measured(&mut self, seconds: f64, (validation, test): (Option<Score>, Score)) {
        let samples = test.samples + validation.map_or(0, |score| score.samples);
        self.prediction_seconds_per_1000 = Some(1e3 * seconds / samples as f64);
        self.val_accuracy = validation.map(|score| score.accuracy);
        self.val_macro_f1 = validation.map(|score| score.macro_f1);
        self.test_accuracy = Some(test.accuracy);
        self.test_macro_f1 = Some(test.macro_f1);
    }

    /// `random forest, pca:50`
    fn name(&self) -> String {
        match self.reduction.as_str() {
            "none" => self.learner.clone(),
            reduction => format!("{}, {reduction}", self.learner),
        }
    }

    /// What to say as soon as it is known.
    pub fn line(&self) -> String {
        match (&self.error, self.test_accuracy) {
            (None, Some(accuracy)) => {
                format!("{}: test accuracy {accuracy:.4}, trained in {} s", self.name(), seconds(self.training_seconds))
            }
            (error, _) => format!("{}: failed: {}", self.name(), error.as_deref().unwrap_or("no reason is known")),
        }
    }

    fn cells(&self) -> Vec<String> {
        let share = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.4}"));
        let settings = match &self.error {
            None => self.settings.clone(),
            Some(error) => format!("failed: {error}"),
        };
        vec![
            self.learner.clone(),
            self.reduction.clone(),
            settings,
            self.training_samples.to_string(),
            seconds(self.training_seconds),
            self.prediction_seconds_per_1000.map_or("-".into(), |seconds| format!("{seconds:.3}")),
            share(self.val_accuracy),
            share(self.test_accuracy),
            share(self.test_macro_f1),
        ]
    }
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or("-".into(), |seconds| if seconds < 10.0 { format!("{seconds:.2}") } else { format!("{seconds:.1}") })
}

/// All rows, the most accurate first.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

const HEADINGS: [&str; 9] = [
    "learner",
    "reduction",
    "settings",
    "samples",
    "training s",
    "prediction s/1,000",
    "val accuracy",
    "test accuracy",
    "test macro F1",
];

impl Table {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
        // A row without an accuracy is the last.
        self.rows.sort_by(|one, other| {
            other.test_accuracy.partial_cmp(&one.test_accuracy).unwrap_or(std::cmp::Ordering::Equal)
        });
    }

    pub fn text(&self) -> String {
        output::table(&HEADINGS, &self.rows.iter().map(Row::cells).collect::<Vec<_>>())
    }

    /// Writes the table and the pictures into a folder.
    ///
    /// # Errors
    /// [`Error::Failed`] naming what cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let fail = |problem: String| Error::Failed(format!("baseline.csv cannot be made: {problem}"));
        self.rows.iter().try_for_each(|row| csv.serialize(row)).map_err(|error| fail(error.to_string()))?;
        let csv = csv.into_inner().map_err(|error| fail(error.to_string()))?;
        let measured = || self.rows.iter().filter_map(|row| Some((row, row.test_accuracy?)));
        if measured().next().is_some() {
            self.draw(folder)?;
        }
        write_own(&folder.join("baseline.csv"), &csv)
    }

    fn draw(&self, folder: &Path) -> Result<()> {
        let kinds = ["classical learners".to_owned(), "networks".to_owned()];
        let bar = |row: &Row| {
            let (value, mark) = (row.test_accuracy?, row.val_accuracy);
            Some(Bar { name: row.name(), value, mark, highlighted: row.network })
        };
        let chart = BarChart {
            title: "Accuracy of learners and networks".into(),
            values: "test accuracy".into(),
            kinds: kinds.clone(),
            marks: "validation accuracy".into(),
            bars: self.rows.iter().filter_map(bar).collect(),
        };
        save(&chart, folder, "accuracy")?;
        let choice = |row: &Row| {
            let (value, seconds) = (row.test_accuracy?, row.training_seconds?);
            Some(Choice { name: row.name(), cost: seconds.max(1e-3), value, spread: 0.0, highlighted: row.network })
        };
        let choices: Vec<Choice> = self.rows.iter().filter_map(choice).collect();
        if choices.is_empty() {
            return Ok(());
        }
        let figure = TradeOff {
            title: "Accuracy over training time".into(),
            costs: ["seconds of training".into(), "the best in that time".into()],
            target: None,
            values: "test accuracy".into(),
            limits: [0.0, 1.0],
            kinds,
            choices,
        };
        save(&figure, folder, "trade_off").map(drop)
    }
}
