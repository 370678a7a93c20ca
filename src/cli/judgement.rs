//! What a network's predictions on a part of the data are worth: as text, as JSON, and as tables and pictures.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::Result;
use crate::evaluate::{Calibration, Confusion, Pair, Predictions, Report};
use crate::formats::write_own;
use crate::plot::{HeatMap, Reliability, save};

/// Predictions, and everything that follows from them.
pub struct Judgement<'a> {
    /// `test`, say.
    part: &'a str,
    /// A name for each class.
    pub names: &'a [String],
    /// The mean loss.
    pub loss: f64,
    pub predictions: &'a Predictions,
    confusion: Confusion,
    report: Report,
    calibration: Calibration,
}

/// How many pairs of classes that are taken for each other the text lists.
const PAIRS: usize = 5;

impl<'a> Judgement<'a> {
    pub fn new(part: &'a str, names: &'a [String], loss: f64, predictions: &'a Predictions) -> Self {
        let confusion = Confusion::new(predictions);
        let report = Report::new(&confusion);
        let calibration = Calibration::new(predictions);
        Self { part, names, loss, predictions, confusion, report, calibration }
    }

    /// `test loss: 0.2895 - test accuracy: 0.8986`
    pub fn line(&self) -> String {
        let Self { part, loss, report, .. } = self;
        format!("{part} loss: {loss:.4} - {part} accuracy: {:.4}", report.accuracy)
    }

    /// All of it for a terminal of 60 columns or more, ten classes given.
    pub fn text(&self) -> String {
        let top = self.predictions.top(2);
        let error = self.calibration.expected_error;
        format!(
            "{} - top-2 accuracy: {top:.4}\n\n{}\nconfusion matrix: a row for each class, a column for each prediction\n\n{}\n\
             {}expected calibration error: {error:.4}\n",
            self.line(),
            self.report.text(self.names),
            self.matrix(),
            self.pairs(),
        )
    }

    /// The confusion matrix with numbers over the columns, which a row's name begins with.
    fn matrix(&self) -> String {
        let cells = |class: usize| {
            let name = &self.names[class];
            let counts = self.confusion.row(class).iter().map(u64::to_string);
            // A name that is its number is said once.
            let shown = if *name == class.to_string() { String::new() } else { name.clone() };
            [class.to_string(), shown].into_iter().chain(counts).collect::<Vec<String>>()
        };
        let classes = self.confusion.classes;
        let heading: Vec<String> =
            ["".into(), "".into()].into_iter().chain((0..classes).map(|c| c.to_string())).collect();
        let rows: Vec<Vec<String>> = std::iter::once(heading).chain((0..classes).map(cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..classes + 2).map(width).collect();
        let line = |row: &Vec<String>| {
            let cell = |(column, cell): (usize, &String)| match (column, widths[column]) {
                (1, width) => format!("{cell:<width$}"),
                (_, width) => format!("{cell:>width$}"),
            };
            row.iter().enumerate().map(cell).collect::<Vec<_>>().join(" ") + "\n"
        };
        rows.iter().map(line).collect()
    }

    /// The most frequent mistakes, a line each; nothing where there is none.
    fn pairs(&self) -> String {
        let line = |pair: &Pair| {
            let share = 100.0 * pair.count as f64 / self.confusion.actual(pair.actual) as f64;
            let (actual, predicted) = (&self.names[pair.actual], &self.names[pair.predicted]);
            format!("  {:>5} ({share:.1} %) of {actual} taken for {predicted}\n", pair.count)
        };
        match self.confusion.mistakes() {
            mistakes if mistakes.is_empty() => String::new(),
            mistakes => {
                format!("most confused:\n{}\n", mistakes.iter().take(PAIRS).map(line).collect::<String>())
            }
        }
    }

    /// All of it as JSON. The report's keys are scikit-learn's, of `classification_report(output_dict=True)`; the matrix
    /// has a row for each class and a column for each prediction.
    pub fn json(&self) -> Value {
        let Self { confusion, report, calibration, names, .. } = self;
        let mut classes: serde_json::Map<String, Value> =
            names.iter().zip(&report.classes).map(|(name, of)| (name.clone(), json!(of))).collect();
        classes.insert("accuracy".into(), json!(report.accuracy));
        classes.insert("macro avg".into(), json!(report.macro_average));
        classes.insert("weighted avg".into(), json!(report.weighted_average));
        let matrix: Vec<&[u64]> = (0..confusion.classes).map(|class| confusion.row(class)).collect();
        json!({
            "split": self.part,
            "samples": self.predictions.len(),
            "loss": self.loss,
            "accuracy": report.accuracy,
            "top_2_accuracy": self.predictions.top(2),
            "class_names": names,
            "classification_report": classes,
            "confusion_matrix": matrix,
            "most_confused": confusion.mistakes().iter().take(PAIRS).collect::<Vec<_>>(),
            "expected_calibration_error": calibration.expected_error,
            "calibration_bins": calibration.bins,
        })
    }

    /// Writes `classification_report.txt`, `confusion_matrix.{csv,svg,png}` and `reliability.{svg,png}` into a folder,
    /// which is made where there is none.
    ///
    /// # Errors
    /// [`crate::error::Error::Failed`] naming what cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let title = format!("Confusion matrix of the {} samples", self.part);
        save(&HeatMap { title, confusion: &self.confusion, names: self.names }, folder, "confusion_matrix")?;
        let title = format!("Reliability on the {} samples", self.part);
        save(&Reliability { title, calibration: &self.calibration }, folder, "reliability")?;
        write_own(&folder.join("confusion_matrix.csv"), self.confusion.csv(self.names).as_bytes())?;
        write_own(&folder.join("classification_report.txt"), self.report.text(self.names).as_bytes())
    }
}
