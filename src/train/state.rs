//! How far a run has come: what a checkpoint says beside its tensors. Neither times nor paths are part of it, so the
//! same run gives the same bytes anywhere.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Config, EpochResult, Tally};
use crate::error::{Error, Result};
use crate::formats::Checkpoint;

/// A run's configuration and its progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub format_version: u32,
    pub config: Config,
    /// SHA-256 of the data set's files, unpacked.
    pub data: Vec<String>,
    /// Epochs completed.
    pub epoch: usize,
    /// Steps done of the epoch after those.
    pub step: usize,
    /// All steps done: Adam's t and dropout's counter.
    pub time: u32,
    /// Of the unfinished epoch.
    pub tally: Tally,
    /// The best validation accuracy so far.
    pub best: Option<f64>,
    /// The completed epochs.
    pub history: Vec<EpochResult>,
}

/// The version of what [`State`] spells.
const FORMAT_VERSION: u32 = 2;

#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

impl State {
    /// A run that has not begun.
    pub fn new(config: Config, data: Vec<String>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            config,
            data,
            epoch: 0,
            step: 0,
            time: 0,
            tally: Tally::default(),
            best: None,
            history: Vec::new(),
        }
    }

    /// The state in the checkpoint that was read from `path`, for messages.
    ///
    /// # Errors
    /// [`Error::Data`] where it contradicts itself or is of another version.
    pub fn parse(checkpoint: &Checkpoint, path: &Path) -> Result<Self> {
        let fail = |problem: String| {
            Error::Data(format!("{}: {problem}; give a checkpoint that 'train' wrote", path.display()))
        };
        let garbled = |error: serde_json::Error| fail(format!("its metadata is garbled ({error})").replace('\n', " "));
        let Version { format_version } = serde_json::from_str(&checkpoint.about).map_err(garbled)?;
        if format_version != FORMAT_VERSION {
            return Err(fail(format!("its format_version is {format_version}, this program reads {FORMAT_VERSION}")));
        }
        let state: Self = serde_json::from_str(&checkpoint.about).map_err(garbled)?;
        state.config.check().map_err(|error| fail(format!("its configuration is impossible ({error})")))?;
        let numbered = state.history.iter().zip(1..).all(|(result, epoch)| result.epoch == epoch);
        if state.history.len() != state.epoch || !numbered {
            return Err(fail(format!("its history does not fit its {} epochs", state.epoch)));
        }
        Ok(state)
    }

    /// The JSON text for the checkpoint.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Failed(format!("the state cannot be written: {error}")))
    }
}
