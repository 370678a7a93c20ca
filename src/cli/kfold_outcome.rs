//! What the folds of a cross-validation came to: the rows of `kfold.csv`.

use serde::Serialize;

/// What a fold's network came to; a row of `kfold.csv`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Outcome {
    /// From 1.
    pub fold: usize,
    pub loss: f64,
    pub accuracy: f64,
    pub val_loss: f64,
    pub val_accuracy: f64,
    pub test_loss: f64,
    pub test_accuracy: f64,
    pub seconds: f64,
}

/// The columns after the fold's number.
pub const COLUMNS: [&str; 7] =
    ["loss", "accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy", "seconds"];
pub const FILE: &str = "kfold.csv";

impl Outcome {
    /// The columns' numbers.
    pub fn figures(&self) -> [f64; 7] {
        let Self { loss, accuracy, val_loss, val_accuracy, test_loss, test_accuracy, seconds, .. } = *self;
        [loss, accuracy, val_loss, val_accuracy, test_loss, test_accuracy, seconds]
    }

    /// A line of the file.
    pub fn row(&self) -> String {
        let figures: String = self.figures().iter().map(|figure| format!(",{figure}")).collect();
        format!("{}{figures}\n", self.fold)
    }

    /// What such a line says, if all of it is finite.
    pub fn parse(line: &str) -> Option<Self> {
        let (fold, figures) = line.split_once(',')?;
        let figure = |cell: &str| cell.parse().ok().filter(|figure: &f64| figure.is_finite());
        let figures: Vec<f64> = figures.split(',').map(figure).collect::<Option<_>>()?;
        let [loss, accuracy, val_loss, val_accuracy, test_loss, test_accuracy, seconds] = figures.try_into().ok()?;
        let fold = fold.parse().ok()?;
        Some(Self { fold, loss, accuracy, val_loss, val_accuracy, test_loss, test_accuracy, seconds })
    }
}
