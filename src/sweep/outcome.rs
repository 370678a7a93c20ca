//! What became of a task: `result.json` in its run's folder, which is written once, at its end.

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Finished;
use crate::error::{Error, Result};
use crate::formats::read_text;
use crate::train::{EpochResult, Monitor, RunFolder, metrics};

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Trained to the end, or to where early stopping ended it.
    Complete,
    /// Not worth going on with.
    Pruned,
    /// Its loss is no number.
    Diverged,
    /// Of a search: its process died, or was interrupted; a later task has its values.
    Failed,
}

/// What a task that has ended came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub status: Status,
    pub epochs: usize,
    /// None of a run that diverged.
    pub test_loss: Option<f64>,
    pub test_accuracy: Option<f64>,
    /// Floating-point operations of its epochs.
    pub training_flop: u64,
    /// Of its epochs, as far as they are known.
    pub seconds: f64,
    pub adapter: String,
    pub host: String,
}

/// Where a task is.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Not begun.
    Waiting,
    /// Begun, with a checkpoint to go on from. It may be going on.
    Begun,
    Ended(Outcome),
}

const FILE: &str = "result.json";

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
        }
    }
}

impl Outcome {
    /// Writes it, which ends the task.
    ///
    /// # Errors
    /// [`Error::Failed`] naming the file that cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Failed(format!("{FILE} cannot be written: {error}")))?;
        folder.write(FILE, &(text + "\n"))
    }
}

impl Standing {
    /// Of the task whose run has that folder.
    ///
    /// # Errors
    /// [`Error::Data`] where its result cannot be read.
    pub fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let fail = |problem: String| {
            Error::Data(format!("{}: {problem}; remove the folder, and run the task again", path.display()))
        };
        match read_text(&path) {
            Ok(text) => {
                serde_json::from_str(&text).map(Self::Ended).map_err(|error| fail(format!("not whole ({error})")))
            }
            // Or a file is in the place of its folder, of which whoever does the task will speak.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                let begun = folder.join("checkpoints/last.safetensors").exists();
                Ok(if begun { Self::Begun } else { Self::Waiting })
            }
            Err(error) => Err(fail(format!("cannot be read ({error})"))),
        }
    }
}

/// The epochs in a task's folder; none where none has ended.
pub fn epochs(folder: &Path) -> Vec<EpochResult> {
    metrics(folder).unwrap_or_default()
}

impl Finished {
    /// The curve of a task that ended so.
    pub fn of(outcome: &Outcome, folder: &Path, metric: Monitor) -> Self {
        let values = epochs(folder).iter().map_while(|result| metric.of(result)).collect();
        Self { complete: outcome.status == Status::Complete, values }
    }
}
