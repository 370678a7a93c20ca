//! `--run` and `--checkpoint`: the trained network that a command works with.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{dataset, record};
use crate::data::{Dataset, class_names};
use crate::error::{Error, Result};
use crate::formats::Checkpoint;
use crate::train::{RunFolder, State};

use super::console::Console;

/// The options, the same in every subcommand that uses a trained network.
#[derive(Args)]
pub struct TrainedOptions {
    /// The run's folder
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointOption,
}

/// `--checkpoint`, for commands that have another name for the run.
#[derive(Args)]
pub struct CheckpointOption {
    /// The weights after the last epoch, or those with the best validation accuracy
    #[arg(long, value_enum, default_value_t = Which::Last)]
    checkpoint: Which,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    Best,
    Last,
}

/// Samples of a run, by what they were for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    Test,
    Validation,
    Train,
}

/// A trained network.
pub struct Trained {
    pub folder: RunFolder,
    /// `best` or `last`
    pub name: &'static str,
    /// The checkpoint's file.
    pub path: PathBuf,
    pub checkpoint: Checkpoint,
    pub state: State,
}

impl TrainedOptions {
    /// The network asked for.
    ///
    /// # Errors
    /// [`Error::Data`] where there is none.
    pub fn open(&self) -> Result<Trained> {
        self.checkpoint.open(&self.run)
    }
}

impl CheckpointOption {
    /// The network of a run.
    ///
    /// # Errors
    /// [`Error::Data`] where there is none.
    pub fn open(&self, run: &Path) -> Result<Trained> {
        let folder = RunFolder::open(run);
        let name = match self.checkpoint {
            Which::Best => "best",
            Which::Last => "last",
        };
        let path = folder.checkpoint_path(name);
        let checkpoint = Checkpoint::read(&path)?;
        let state = State::parse(&checkpoint, &path)?;
        Ok(Trained { folder, name, path, checkpoint, state })
    }
}

impl Trained {
    /// The data set in `data_dir`, by default the run's own, and the numbers of a part's samples in it. Of a data set
    /// that the run was not trained on, only test samples are given, and only where it was asked for.
    ///
    /// # Errors
    /// [`Error::Data`] where it cannot be had or does not fit.
    pub fn samples(&self, data_dir: Option<PathBuf>, part: Part, console: &mut Console) -> Result<(Dataset, Vec<u32>)> {
        let asked_for = data_dir.is_some();
        let data_dir = data_dir.or_else(|| record::data_dir(&self.folder));
        let dataset = dataset::open(data_dir.as_deref(), &self.state.config.model, console)?;
        if self.state.data != dataset::hashes(&dataset) {
            let problem = format!("{}: not the data set that the run was trained on", dataset.folder.display());
            let remedy = match part {
                Part::Test if asked_for => "",
                Part::Test => "give that one with --data-dir, or this one to take its test samples all the same",
                Part::Validation | Part::Train => "give that one with --data-dir, or take --split test",
            };
            if !remedy.is_empty() {
                return Err(Error::Data(format!("{problem}; {remedy}")));
            }
            console.say(&format!("{problem}; taking its test samples"));
        }
        let count = dataset.train.len();
        let samples = match part {
            Part::Test => (count as u32..(count + dataset.test.len()) as u32).collect(),
            Part::Validation => self.state.config.split(count)?.validation,
            Part::Train => self.state.config.split(count)?.train,
        };
        Ok((dataset, samples))
    }

    /// A name for each class.
    pub fn class_names(&self) -> Vec<String> {
        class_names(&self.state.data, self.state.config.model.classes())
    }
}

impl Part {
    /// `test`, say.
    pub fn name(self) -> &'static str {
        match self {
            Part::Test => "test",
            Part::Validation => "validation",
            Part::Train => "train",
        }
    }
}
