//! `--run` and `--checkpoint`: the trained network that a command works with.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::console::Console;
use super::names::{self, NamesOption};
use super::options::models;
use super::{dataset, record};
use crate::data::{Dataset, class_names_in, numbers};
use crate::error::{Error, Result};
use crate::formats::{self, Checkpoint, Network};
use crate::model;
use crate::precision::Precision;
use crate::train::{RunFolder, State};

/// The options, the same in every subcommand that uses a trained network.
#[derive(Args)]
pub struct TrainedOptions {
    /// A run's folder, or the file of a network: safetensors, Keras' .h5 or .keras, or ONNX
    #[arg(long, value_name = "RUN|FILE")]
    run: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointOption,
    #[command(flatten)]
    names: NamesOption,
    #[command(flatten)]
    model: ModelOption,
}

fn of_weights() -> String {
    format!("Of a file with weights alone, the model that they are of: {}", models("a model's TOML file"))
}

/// Which of a run's networks.
#[derive(Args)]
pub struct CheckpointOption {
    /// Of a run, the weights after the last epoch, or those with the best validation accuracy [default: last]
    #[arg(long, value_enum)]
    checkpoint: Option<Which>,
}

/// Of which model a file's weights are.
#[derive(Args, Default)]
pub struct ModelOption {
    #[arg(long, help = of_weights(), value_name = "NAME|FILE")]
    model: Option<PathBuf>,
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
    pub network: Network,
    /// The file that it is from.
    pub path: PathBuf,
    /// Of activations: the run's, unless another one is asked for.
    pub precision: Precision,
    /// The run that trained it; none where the file is all there is.
    pub run: Option<TrainedRun>,
}

/// The run that a network is from.
pub struct TrainedRun {
    pub folder: RunFolder,
    /// `best` or `last`
    pub checkpoint: &'static str,
    pub state: State,
}

impl TrainedOptions {
    /// The network asked for.
    ///
    /// # Errors
    /// [`Error::Data`] where there is none.
    pub fn open(&self) -> Result<Trained> {
        self.checkpoint.open(&self.run, &self.model)?.named(&self.names)
    }
}

impl CheckpointOption {
    /// The network in a run's folder, or in a file.
    ///
    /// # Errors
    /// [`Error::Data`] where there is none.
    pub fn open(&self, path: &Path, ModelOption { model }: &ModelOption) -> Result<Trained> {
        let refuse = |option: &str, what: &str| {
            Err(Error::Usage(format!("{option}: {} {what}, or leave it out", path.display())))
        };
        if path.is_dir() || !path.exists() {
            return match model {
                Some(_) => refuse("--model", "is not a file with weights alone; give one"),
                None => open_run(path, self.checkpoint.unwrap_or(Which::Last)),
            };
        }
        if self.checkpoint.is_some() {
            return refuse("--checkpoint", "is a file; give a run's folder");
        }
        let model = model.as_deref().map(model::by_name_or_file).transpose()?.map(|(model, _)| model);
        let mut network = formats::read(path, model.as_ref())?;
        if model.is_some_and(|model| (model.input, &model.layers) != (network.model.input, &network.model.layers)) {
            return refuse("--model", "has a model of its own, which is another; give a file with weights alone");
        }
        // As names, numbers tell nothing: earlier versions wrote them for want of others.
        if network.class_names == numbers(network.class_names.len()) {
            network.class_names.clear();
        }
        Ok(Trained { network, path: path.to_owned(), precision: Precision::F32, run: None })
    }
}

fn open_run(path: &Path, which: Which) -> Result<Trained> {
    let folder = RunFolder::find(path)?;
    let name = match which {
        Which::Best => "best",
        Which::Last => "last",
    };
    let path = folder.checkpoint_path(name);
    if matches!(which, Which::Best) && !path.exists() {
        validated(&folder)?;
    }
    let checkpoint = Checkpoint::read(&path)?;
    let state = State::parse(&checkpoint, &path)?;
    let network = state.network(checkpoint, &path)?;
    let precision = state.config.precision;
    Ok(Trained { network, path, precision, run: Some(TrainedRun { folder, checkpoint: name, state }) })
}

/// Refuses to look for the best network of a run that had nothing to judge by.
fn validated(folder: &RunFolder) -> Result<()> {
    let path = folder.checkpoint_path("last");
    match State::parse(&Checkpoint::read(&path)?, &path)?.config.validates() {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "--checkpoint best: {} was trained without validation, so that no epoch is the best; take last",
            folder.path().display()
        ))),
    }
}

impl Trained {
    /// The run that the network is from.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is from a file.
    pub fn run(&self) -> Result<&TrainedRun> {
        let no_run = || Error::Usage(format!("{}: a file, not a run; give a run's folder", self.path.display()));
        self.run.as_ref().ok_or_else(no_run)
    }

    /// The data set in `data_dir`, by default the run's own, and the numbers of a part's samples in it. Of a data set
    /// that the run was not trained on, only test samples are given, and only where it was asked for.
    ///
    /// # Errors
    /// [`Error::Data`] where it cannot be had or does not fit.
    pub fn samples(&self, data_dir: Option<&Path>, part: Part, console: &mut Console) -> Result<(Dataset, Vec<u32>)> {
        let asked_for = data_dir.is_some();
        let model = &self.network.model;
        let dataset = match &self.run {
            Some(TrainedRun { folder, state, .. }) => {
                dataset::open_of_run(data_dir, folder, &state.data, model, console)?
            }
            None => dataset::open(data_dir, model, console)?,
        };
        if let Some(run) = &self.run {
            run.check(&dataset, part, asked_for, console)?;
        }
        let count = dataset.train.len();
        let split = || match &self.run {
            Some(run) => run.state.split(count, &self.path),
            None => {
                let (part, path) = (part.name(), self.path.display());
                let problem = format!("--split {part}: {path} does not say which samples it was trained with");
                Err(Error::Usage(format!("{problem}; take --split test")))
            }
        };
        let samples: Vec<u32> = match part {
            Part::Test => (count as u32..(count + dataset.test.len()) as u32).collect(),
            Part::Validation => split()?.validation,
            Part::Train => split()?.train,
        };
        if samples.is_empty() && part == Part::Validation {
            let problem = "was trained without validation; take test or train";
            return Err(Error::Usage(format!("--split validation: {} {problem}", self.path.display())));
        }
        Ok((dataset, samples))
    }

    /// The same network with the names that the option gives, if it does.
    ///
    /// # Errors
    /// See [`NamesOption::given`].
    pub fn named(mut self, option: &NamesOption) -> Result<Self> {
        if let Some(names) = option.given(self.network.model.classes())? {
            self.network.class_names = names;
        }
        Ok(self)
    }

    /// What is known of the classes' names: those with the network, else what the data tells; where none is open, the
    /// folder that the run was trained on. Or nothing.
    ///
    /// # Errors
    /// [`Error::Data`] where that folder's names are not whole.
    pub fn known_names(&self, dataset: Option<&Dataset>) -> Result<Vec<String>> {
        let network = &self.network;
        names::known(network.class_names.clone(), network.model.classes(), |classes| match (dataset, &self.run) {
            (Some(dataset), _) => dataset.class_names(classes),
            (None, Some(run)) => {
                record::data_dir(&run.folder)?.map_or(Ok(Vec::new()), |folder| class_names_in(&folder, classes))
            }
            (None, None) => Ok(Vec::new()),
        })
    }

    /// A name for each class, by default its number: see [`Self::known_names`].
    ///
    /// # Errors
    /// See [`Self::known_names`].
    pub fn class_names(&self, dataset: Option<&Dataset>) -> Result<Vec<String>> {
        Ok(names::or_numbers(self.known_names(dataset)?, self.network.model.classes()))
    }
}

impl TrainedRun {
    /// Whether this is the data set that the run was trained on.
    pub fn trained_on(&self, dataset: &Dataset) -> bool {
        self.state.data == dataset::hashes(dataset)
    }

    /// Refuses a data set that the run was not trained on, unless its test samples are `asked_for`.
    fn check(&self, dataset: &Dataset, part: Part, asked_for: bool, console: &mut Console) -> Result<()> {
        if self.trained_on(dataset) {
            return Ok(());
        }
        let problem = format!("{}: not the data set that the run was trained on", dataset.folder.display());
        let remedy = match part {
            Part::Test if asked_for => {
                console.say(&format!("{problem}; taking its test samples"));
                return Ok(());
            }
            Part::Test => "give that one with --data-dir, or this one to take its test samples all the same",
            Part::Validation | Part::Train => "give that one with --data-dir, or take --split test",
        };
        Err(Error::Data(format!("{problem}; {remedy}")))
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
