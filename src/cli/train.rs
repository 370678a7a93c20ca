//! `gpu-fmnist train`

use std::mem;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::{Args, FromArgMatches};

use super::callbacks::CallbackOptions;
use super::console::Console;
use super::device::{AdapterOption, Device};
use super::names::{self, NamesOption};
use super::options::{DataDirOption, JsonOption, QuietOption, models};
use super::ranks::Ranks;
use super::recipe::RecipeOptions;
use super::recorder::Recorder;
use super::run::Run;
use super::split::SplitOptions;
use super::tiling::TilesOption;
use super::{dataset, follow, interrupt, ranks, record, setup};
use crate::data::{Dataset, Framing};
use crate::error::{Error, Result};
use crate::formats::{self, Checkpoint, Network};
use crate::gpu::Identity;
use crate::model::ModelFile;
use crate::parallel::{self, Alone, Communicator};
use crate::sweep::Task;
use crate::train::{Config, History, RunFolder, Schedule, State, Trainer};

/// Train a network and write a run folder with its metrics and checkpoints.
#[derive(Args)]
#[command(after_help = format!("{JSON_AND_SIGNALS}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_arg("json", |argument| {
    argument.help("Print a JSON object for each epoch, and a last one with the test's result")
}))]
#[command(mut_arg("quiet", |argument| argument.conflicts_with("verbose")))]
#[command(mut_arg("validation_fraction", |argument| {
    argument.help(
        "The part of the training samples to validate with; of 0, all of them train [default: what the model's file \
         says, or 0.2]"
    )
}))]
#[command(mut_arg("tiles", |argument| {
    argument.help("Which configurations the products get; the run folder records it, and --resume keeps it")
}))]
pub struct TrainArguments {
    #[arg(long, help = models("a model's TOML file [default: that of --init, else cnn1]"), value_name = "NAME|FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    pub recipe: RecipeOptions,
    /// How the learning rate goes on from step to step, as in Keras [default: what the model's file says, or constant]
    #[arg(long, value_enum)]
    schedule: Option<Schedule>,
    /// Epochs in which the learning rate grows from 0, step by step, before the schedule begins [default: 0]
    #[arg(long, value_name = "N")]
    warm_up_epochs: Option<usize>,
    /// Of the initial weights, the shuffling, the dropout and the augmentation
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    #[command(flatten)]
    split: SplitOptions,
    /// Visit the training samples in the same order in every epoch
    #[arg(long)]
    no_shuffle: bool,
    #[command(flatten)]
    pub data: DataDirOption,
    #[command(flatten)]
    pub names: NamesOption,
    /// The folder to write [default: runs/<model>-<n> with the next free number]
    #[arg(long, value_name = "FOLDER")]
    run_dir: Option<PathBuf>,
    /// Start from the weights in a file: a checkpoint, safetensors, Keras' .h5 or .keras, or ONNX
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Go on with an interrupted run, exactly as it would have; with --epochs, to that many
    #[arg(long, value_name = "RUN", group = "patient", conflicts_with_all = [
        "model", "batch_size", "micro_batch", "learning_rate", "precision", "augment", "set", "schedule",
        "warm_up_epochs", "seed", "split_seed", "validation_fraction", "no_shuffle", "run_dir", "init", "tiles", "callbacks",
    ])]
    resume: Option<PathBuf>,
    /// Also save within an epoch, each time so many minutes have passed
    #[arg(long, value_name = "MINUTES", allow_hyphen_values = true)]
    checkpoint_minutes: Option<f64>,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    tiles: TilesOption,
    /// No learning curves, confusion matrix and report.html at the end
    #[arg(long)]
    no_report: bool,
    /// Also write the scalars of every step and epoch into the run's folder as TensorBoard reads them
    #[arg(long)]
    tensorboard: bool,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
    /// Also say what the plan takes of the device
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    callbacks: CallbackOptions,
}

impl Start {
    fn resumed(run: (RunFolder, State, Checkpoint, PathBuf)) -> Self {
        Self { config: run.1.config.clone(), init: None, resumed: Some(run), task: None }
    }

    /// The data set that the run began with, or begins with.
    fn dataset(&self, arguments: &TrainArguments, console: &mut Console) -> Result<Dataset> {
        let (data_dir, model) = (arguments.data.path(), &self.config.model);
        match (&self.resumed, &self.task) {
            (Some((folder, state, ..)), _) => dataset::open_of_run(data_dir, folder, &state.data, model, console),
            (None, Some((_, folder, data))) => dataset::open_recorded(data_dir, folder, data, model, console),
            (None, None) => dataset::open(data_dir, model, console),
        }
    }
}

impl TrainArguments {
    /// The subcommand by itself.
    pub fn subcommand() -> clap::Command {
        Self::augment_args(clap::Command::new("train").no_binary_name(true))
    }

    /// What these words say, as if they followed `gpu-fmnist train`.
    ///
    /// # Errors
    /// In clap's words.
    pub fn parse(words: &[String]) -> std::result::Result<Self, clap::Error> {
        Self::from_arg_matches(&Self::subcommand().try_get_matches_from(words)?)
    }
}

/// clap wraps the lines to the terminal.
const JSON_AND_SIGNALS: &str = "\
Flags go before what the model's file says, and --set before both.
JSON of an epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy (both only where samples validate), seconds (of the whole epoch, training and \
validation), images_per_second (training images by the seconds of the training part), learning_rate (of the last step), training_flop \
(floating-point operations so far: six a multiply-accumulate of convolutions and dense layers and sample seen).
JSON at the end: model, adapter, backend, device_type, seed, epochs, training_flop, test_loss, test_accuracy, run_dir.

Ctrl-C saves and ends with exit code 130; a second one ends at once.";

/// How much of what a file has for training is named.
const MOST_LEFT_OUT: usize = 12;

/// What a run begins with.
pub struct Start {
    pub config: Config,
    /// The network whose weights it starts from.
    init: Option<Network>,
    /// The run to go on with, and its checkpoint.
    resumed: Option<(RunFolder, State, Checkpoint, PathBuf)>,
    /// The folder that a task's run gets, and where the data set with these checksums was.
    task: Option<(RunFolder, PathBuf, Vec<String>)>,
}

pub fn run(arguments: &TrainArguments) -> Result<()> {
    let communicator = parallel::launched()?;
    let result = match communicator.rank() {
        0 => start(arguments)
            .and_then(|start| with_run(arguments, start, communicator.clone(), |run| run.finish().map(drop))),
        _ => follow(arguments, communicator.clone()),
    };
    ranks::ended(&*communicator, result)
}

/// As another one of several processes than the first.
fn follow(arguments: &TrainArguments, communicator: Rc<dyn Communicator>) -> Result<()> {
    let device = arguments.adapter.device_among(&*communicator, &mut Console::new(true))?;
    follow::follow(communicator, &device, &arguments.data)
}

/// Goes on with a task's run where it was begun, else begins it, and does the work with it.
///
/// # Errors
/// [`Error::Data`] where the folder has another run; or what goes wrong.
pub fn with_task<R>(
    arguments: &TrainArguments,
    task: &Task,
    folder: RunFolder,
    work: impl FnOnce(&mut Run) -> Result<R>,
) -> Result<R> {
    let alone = Rc::new(Alone);
    if folder.checkpoint_path("last").exists() {
        let resumed = opened(folder)?;
        let (folder, state, ..) = &resumed;
        let tiles = state.config.tiles.clone();
        let micro_batch = task.config.micro_batch.or(state.config.micro_batch);
        if (Config { tiles, micro_batch, ..task.config.clone() }) != state.config {
            let folder = folder.path().display();
            return Err(Error::Data(format!("{folder}: the run of another configuration than the task's; remove it")));
        }
        return with_run(arguments, Start::resumed(resumed), alone, work);
    }
    let config = task.config.clone();
    let init = arguments.init.as_ref().map(|path| formats::read(path, Some(&config.model))).transpose()?;
    let place = Some((folder, PathBuf::from(&task.data_dir), task.data.clone()));
    with_run(arguments, Start { config, init, resumed: None, task: place }, alone, work)
}

/// Does the work with the run that the arguments ask for, as the only process or the first one of several.
fn with_run<R>(
    arguments: &TrainArguments,
    mut start: Start,
    communicator: Rc<dyn Communicator>,
    work: impl FnOnce(&mut Run) -> Result<R>,
) -> Result<R> {
    let mut console = arguments.quiet.console();
    let save_every = arguments.checkpoint_minutes.map(minutes).transpose()?;
    let given_names = arguments.names.given(start.config.model.classes())?;
    // Before the device, so that the first line names the data.
    let dataset = start.dataset(arguments, &mut console)?;
    let device = arguments.adapter.device_among(&*communicator, &mut console)?;
    let hashes = dataset::hashes(&dataset);
    // Those of a run that is gone on with, unless others are given.
    let class_names = |recorded: Vec<String>| {
        let recorded = given_names.unwrap_or(recorded);
        names::known(recorded, start.config.model.classes(), |classes| dataset.class_names(classes))
    };

    let (folder, mut trainer, history) = match start.resumed.take() {
        Some((folder, mut state, checkpoint, path)) => {
            if state.data != hashes {
                let folder = dataset.folder.display();
                let problem = "not the data set that the run began with";
                return Err(Error::Data(format!("{folder}: {problem}; give that one with --data-dir")));
            }
            state.class_names = class_names(state.known_names())?;
            let before = mem::replace(&mut state.adapter, device.identity());
            if before != state.adapter {
                let (before, now) = (label(&before), label(&state.adapter));
                console.say(&format!(
                    "the run was trained on {before}; on {now} it goes on, but not to the bit as it would have there"
                ));
            }
            console.record_before(&folder.read("train.log")?);
            let history = History::resumed(&state.history, &folder.read("metrics.csv")?);
            state.split(dataset.train.len(), &path)?;
            let ranks = Ranks::lead(communicator, &state, &dataset, &device, &mut console)?;
            let mut trainer = setup::trainer(state, &dataset, &device, &ranks, arguments.verbose, &mut console)?;
            trainer.go_on_from(&checkpoint, &path)?;
            ranks.send(&mut trainer)?;
            // The checkpoint comes first: where the process ended between them, it has an epoch more.
            folder.write("metrics.csv", &history.csv(trainer.epoch_flop()))?;
            record::write(&folder, &trainer.state().config, &dataset, &device)?;
            (folder, trainer, history)
        }
        None => {
            let class_names = class_names(Vec::new())?;
            let mut config = start.config;
            arguments.recipe.fit(&mut config, dataset.train.len(), &mut console)?;
            config.tiles = arguments.tiles.choose(&device, &config, &mut console)?;
            let framing = Framing::of(&dataset.train);
            let state = State { framing, class_names, ..State::new(config, hashes, device.identity()) };
            let ranks = Ranks::lead(communicator, &state, &dataset, &device, &mut console)?;
            let mut trainer = setup::trainer(state, &dataset, &device, &ranks, arguments.verbose, &mut console)?;
            if let (Some(network), Some(path)) = (&start.init, &arguments.init) {
                trainer.start_from(&network.tensors, path)?;
                if !network.left_out.is_empty() {
                    console.say(&left_out(path, &network.left_out));
                }
            }
            ranks.send(&mut trainer)?;
            let folder = match (start.task, &arguments.run_dir) {
                (Some((folder, ..)), _) => folder,
                (None, Some(path)) => RunFolder::create(path)?,
                (None, None) => RunFolder::create_next(&trainer.state().config.model.name)?,
            };
            // The first one at once: a run can be gone on with from its beginning.
            let begun = folder
                .save(&trainer.checkpoint()?, &["last"])
                .and_then(|()| record::write(&folder, &trainer.state().config, &dataset, &device));
            if let Err(error) = begun {
                folder.discard();
                return Err(error);
            }
            (folder, trainer, History::default())
        }
    };
    let recorder = Recorder::begin(&folder, &mut trainer, arguments.tensorboard)?;
    interrupt::watch(&mut console);
    console.say(&beginning(&trainer, &dataset, &device, &folder));
    let report_on = (!arguments.no_report).then_some(&dataset);
    work(&mut Run {
        trainer,
        folder,
        history,
        recorder,
        console,
        device: &device,
        json: arguments.json.is_given(),
        saved: Instant::now(),
        save_every,
        report_on,
        pruner: None,
    })
}

/// What is going to happen.
fn beginning(trainer: &Trainer, dataset: &Dataset, device: &Device, folder: &RunFolder) -> String {
    let validation = match trainer.split().validation.len() {
        0 => "none to validate, ".to_owned(),
        samples => format!("{samples} to validate, "),
    };
    format!(
        "{} on {}: {} samples to train, {validation}{} to test; writing {}",
        trainer.state().config.model.name,
        device.describe(),
        trainer.split().train.len(),
        dataset.test.len(),
        folder.path().display()
    )
}

/// The configuration that the arguments, or the run to go on with, ask for; the tiles are not decided yet.
pub fn start(arguments: &TrainArguments) -> Result<Start> {
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
        return Ok(Start::resumed((folder, state, checkpoint, path)));
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
    Ok(Start { config, init, resumed: None, task: None })
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

/// What of a file training does not go on with, in one line.
fn left_out(path: &Path, what: &[String]) -> String {
    let (shown, more) = what.split_at(what.len().min(MOST_LEFT_OUT));
    let more = if more.is_empty() { String::new() } else { format!("; and {} more", more.len()) };
    format!("{}: training leaves out {}{more}", path.display(), shown.join("; "))
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

/// `--checkpoint-minutes`
fn minutes(minutes: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(60.0 * minutes).map_err(|error| {
        Error::Usage(format!("--checkpoint-minutes {minutes}: {error}; give a number of minutes such as 10"))
    })
}

/// `llvmpipe (LLVM 21.1.8, 512 bits), llvmpipe Mesa 26.1.6-1`
fn label(Identity { name, driver, driver_info, .. }: &Identity) -> String {
    match format!("{driver} {driver_info}").trim() {
        "" => name.clone(),
        driver => format!("{name}, {driver}"),
    }
}
