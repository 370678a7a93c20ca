//! What a run begins with: what the arguments and the model's file say, or the run that is gone on with.

use std::path::PathBuf;

use super::console::Console;
use super::dataset;
use super::train_arguments::TrainArguments;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::formats::{self, Checkpoint, Network};
use crate::model::ModelFile;
use crate::sweep::Task;
use crate::train::{Config, RunFolder, State};

/// What a run begins with.
pub struct Start {
    pub config: Config,
    /// The network whose weights it starts from.
    pub init: Option<Network>,
    /// The run to go on with, and its checkpoint.
    pub resumed: Option<(RunFolder, State, Checkpoint, PathBuf)>,
    /// The folder that a task's run gets, and where the data set with these checksums was.
    pub task: Option<(RunFolder, PathBuf, Vec<String>)>,
}

impl Start {
    /// What the arguments, or the run to go on with, ask for; the tiles are not decided yet.
    ///
    /// # Errors
    /// What is wrong with them, or with the files that they name.
    pub fn of(arguments: &TrainArguments) -> Result<Self> {
        if let Some(run) = &arguments.resume {
            let mut folder = RunFolder::find(run)?;
            // Before anything is read: a run that is going on is soon another.
            if folder.checkpoint_path("last").exists() {
                folder.lock()?;
            }
            let (folder, mut state, checkpoint, path) = opened(folder)?;
            state.config.epochs = arguments.recipe.epochs.unwrap_or(state.config.epochs);
            state.config.check()?;
            if state.config.epochs < state.epoch {
                let problem = format!("--epochs {}: the run has {} already", state.config.epochs, state.epoch);
                return Err(Error::Usage(format!("{problem}; give that many or more")));
            }
            if let Some(patience) = arguments.callbacks.patience {
                be_more_patient(&mut state.config, patience)?;
            }
            return Ok(Self::resumed((folder, state, checkpoint, path)));
        }
        let (mut config, init) = of_model(arguments)?;
        schedule(arguments, &mut config)?;
        let (set, fraction) = (&arguments.recipe.set, arguments.split.validation_fraction);
        set.unless("training.validation_fraction", fraction, &mut config.validation_fraction);
        let config = Config {
            monitor: arguments.callbacks.monitor,
            seed: arguments.seed,
            split_seed: arguments.split.split_seed,
            shuffle: !arguments.no_shuffle,
            early_stopping: arguments.callbacks.early_stopping(),
            reduce_lr_on_plateau: arguments.callbacks.reduce_lr_on_plateau(),
            ..config
        };
        config.check()?;
        Ok(Self { config, init, resumed: None, task: None })
    }

    /// A task's run, which is gone on with where it was begun.
    ///
    /// # Errors
    /// [`Error::Data`] where the folder has another run; or what goes wrong.
    pub fn of_task(arguments: &TrainArguments, task: &Task, folder: RunFolder) -> Result<Self> {
        if folder.checkpoint_path("last").exists() {
            let resumed = opened(folder)?;
            let (folder, state, ..) = &resumed;
            let tiles = state.config.tiles.clone();
            let micro_batch = task.config.micro_batch.or(state.config.micro_batch);
            if (Config { tiles, micro_batch, ..task.config.clone() }) != state.config {
                let folder = folder.path().display();
                return Err(Error::Data(format!(
                    "{folder}: the run of another configuration than the task's; remove it"
                )));
            }
            return Ok(Self::resumed(resumed));
        }
        let config = task.config.clone();
        let init = arguments.init.as_ref().map(|path| formats::read(path, Some(&config.model))).transpose()?;
        let place = Some((folder, PathBuf::from(&task.data_dir), task.data.clone()));
        Ok(Self { config, init, resumed: None, task: place })
    }

    fn resumed(run: (RunFolder, State, Checkpoint, PathBuf)) -> Self {
        Self { config: run.1.config.clone(), init: None, resumed: Some(run), task: None }
    }

    /// The data set that the run began with, or begins with.
    pub fn dataset(&self, arguments: &TrainArguments, console: &mut Console) -> Result<Dataset> {
        let (data_dir, model) = (arguments.data.path(), &self.config.model);
        match (&self.resumed, &self.task) {
            (Some((folder, state, ..)), _) => dataset::open_of_run(data_dir, folder, &state.data, model, console),
            (None, Some((_, folder, data))) => dataset::open_recorded(data_dir, folder, data, model, console),
            (None, None) => dataset::open(data_dir, model, console),
        }
    }
}

/// What is in a run's folder, which is locked, with its last checkpoint.
fn opened(folder: RunFolder) -> Result<(RunFolder, State, Checkpoint, PathBuf)> {
    let path = folder.checkpoint_path("last");
    let checkpoint = Checkpoint::read(&path)?;
    let state = State::parse(&checkpoint, &path)?;
    folder.clear();
    Ok((folder, state, checkpoint, path))
}

/// What the model's file says of the training, and the network whose weights it starts from.
fn of_model(arguments: &TrainArguments) -> Result<(Config, Option<Network>)> {
    let config = |file| arguments.recipe.config(file);
    let named = arguments.model.as_deref().map(|name| config(ModelFile::open(name)?)).transpose()?;
    let Some(path) = &arguments.init else {
        return Ok((named.map_or_else(|| config(ModelFile::open("cnn1".as_ref())?), Ok)?, None));
    };
    let network = formats::read(path, named.as_ref().map(|config| &config.model))?;
    let own = || config(ModelFile::of(&path.display().to_string(), &network.model)?);
    Ok((named.map_or_else(own, Ok)?, Some(network)))
}

/// `--schedule` and `--warm-up-epochs`, which go before the file's schedule as a whole.
fn schedule(arguments: &TrainArguments, config: &mut Config) -> Result<()> {
    let set = &arguments.recipe.set;
    if let Some(schedule) = arguments.schedule.as_ref().filter(|_| !set.has("schedule.type")) {
        let keys = ["warm_up", "final", "boundaries", "factors"].map(|key| format!("schedule.{key}"));
        if let Some(key) = keys.iter().find(|key| set.has(key)) {
            let problem = "of no use to --schedule, which is Keras'; give schedule.type with --set, too";
            return Err(Error::Usage(format!("--set {key}: {problem}")));
        }
        config.schedule = schedule.clone();
    }
    set.unless("schedule.warm_up", arguments.warm_up_epochs, &mut config.warm_up_epochs);
    Ok(())
}

/// `--patience` of a run that goes on.
fn be_more_patient(config: &mut Config, patience: usize) -> Result<()> {
    let refuse = |problem: String| Err(Error::Usage(format!("--patience {patience}: {problem}")));
    match &mut config.early_stopping {
        None => refuse("the run has no early stopping; leave it out".into()),
        Some(callback) if callback.patience > patience => {
            refuse(format!("the run has {} already; give that many or more", callback.patience))
        }
        Some(callback) => {
            callback.patience = patience;
            Ok(())
        }
    }
}
