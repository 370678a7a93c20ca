//! `gpu-fmnist train`

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::console::Console;
use super::device::{AdapterOption, Device};
use super::progress::Line;
use super::{dataset, interrupt, output, record, setup};
use crate::error::{Error, Result};
use crate::formats::Checkpoint;
use crate::kernels::Tiles;
use crate::model;
use crate::train::{Config, EpochResult, Finished, History, RunFolder, State, Tally, Trainer};

/// Train a network and write a run folder with its metrics and checkpoints.
#[derive(Args)]
#[command(after_help = format!("{JSON_AND_SIGNALS}\n\n{}", super::EXIT_CODES))]
pub struct TrainArguments {
    /// cnn1, cnn2, cnn3, or a model's TOML file
    #[arg(long, default_value = "cnn1", value_name = "NAME|FILE")]
    model: String,
    /// Passes over the training samples [default: 10 for cnn1, 20 for cnn2, 50 for cnn3, 10 for a file]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Samples a training step
    #[arg(short, long, default_value_t = 512, value_name = "N")]
    batch_size: usize,
    /// Adam's
    #[arg(long, default_value_t = 1e-3, value_name = "RATE")]
    learning_rate: f64,
    /// Of the initial weights, the shuffling and the dropout
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    /// scikit-learn's random_state of the split into training and validation samples
    #[arg(long, default_value_t = 2020, value_name = "SEED")]
    split_seed: u32,
    /// The part of the training samples to validate with
    #[arg(long, default_value_t = 0.2, value_name = "FRACTION")]
    validation_fraction: f64,
    /// Visit the training samples in the same order in every epoch
    #[arg(long)]
    no_shuffle: bool,
    /// The data set's folder; by default the first of the usual ones that has it, else it is fetched
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The folder to write [default: runs/<model>-<n> with the next free number]
    #[arg(long, value_name = "FOLDER")]
    run_dir: Option<PathBuf>,
    /// Start from the weights in a checkpoint
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Go on with an interrupted run, exactly as it would have; with --epochs, to that many
    #[arg(long, value_name = "RUN", conflicts_with_all = [
        "model", "batch_size", "learning_rate", "seed", "split_seed", "validation_fraction", "no_shuffle", "run_dir",
        "init",
    ])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    adapter: AdapterOption,
    /// Print a JSON object for each epoch, and a last one with the test's result
    #[arg(long)]
    json: bool,
    /// No messages but errors
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Also say what the plan takes of the device
    #[arg(short, long)]
    verbose: bool,
}

/// clap wraps the lines to the terminal.
const JSON_AND_SIGNALS: &str = "\
JSON of an epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy, seconds (of the whole epoch, training and \
validation), images_per_second (training images by the seconds of the training part).
JSON at the end: model, adapter, backend, device_type, seed, epochs, test_loss, test_accuracy, run_dir.

Ctrl-C saves and ends with exit code 130; a second one ends at once.";

/// What a run begins with.
struct Start {
    config: Config,
    data_dir: Option<PathBuf>,
    /// The run to go on with, and its checkpoint.
    resumed: Option<(RunFolder, State, Checkpoint, PathBuf)>,
}

pub fn run(arguments: &TrainArguments) -> Result<()> {
    let mut console = Console::new(arguments.quiet);
    let mut start = start(arguments)?;
    let init = arguments.init.as_ref().map(|path| Ok::<_, Error>((Checkpoint::read(path)?, path))).transpose()?;
    let device = arguments.adapter.device(&mut console)?;
    let dataset = dataset::open(start.data_dir.as_deref(), &start.config.model, &mut console)?;
    let hashes: Vec<String> = dataset.hashes.iter().map(|(_, hash)| hash.clone()).collect();

    let (folder, trainer, history) = match start.resumed.take() {
        Some((folder, state, checkpoint, path)) => {
            if state.data != hashes {
                let folder = dataset.folder.display();
                let problem = "not the data set that the run began with";
                return Err(Error::Data(format!("{folder}: {problem}; give that one with --data-dir")));
            }
            if state.config.tiles != device.tiles() {
                console.say(
                    "the run began on another kind of adapter: it goes on, but not to the bit as it would have there",
                );
            }
            console.record_before(&folder.read("train.log"));
            let history = History::resumed(&state.history, &folder.read("metrics.csv"));
            let mut trainer = setup::trainer(state, &dataset, &device, arguments.verbose, &mut console)?;
            trainer.go_on_from(&checkpoint, &path)?;
            (folder, trainer, history)
        }
        None => {
            let config = Config { tiles: device.tiles(), ..start.config };
            let state = State::new(config, hashes);
            let mut trainer = setup::trainer(state, &dataset, &device, arguments.verbose, &mut console)?;
            if let Some((checkpoint, path)) = &init {
                trainer.start_from(checkpoint, path)?;
            }
            let folder = match &arguments.run_dir {
                Some(path) => RunFolder::create(path)?,
                None => RunFolder::create_next(&trainer.state().config.model.name)?,
            };
            (folder, trainer, History::default())
        }
    };
    record::write(&folder, &trainer.state().config, &dataset, &device)?;
    interrupt::watch()?;
    console.say(&format!(
        "{} on {}: {} samples to train, {} to validate, {} to test; writing {}",
        trainer.state().config.model.name,
        device.describe(),
        trainer.split().train.len(),
        trainer.split().validation.len(),
        dataset.test.len(),
        folder.path().display()
    ));
    Run { trainer, folder, history, console, device, json: arguments.json }.go()
}

/// The configuration that the arguments, or the run to go on with, ask for; the tiles are not decided yet.
fn start(arguments: &TrainArguments) -> Result<Start> {
    if arguments.epochs == Some(0) {
        return Err(Error::Usage("--epochs 0: nothing to train; give 1 or more".into()));
    }
    if let Some(run) = &arguments.resume {
        let folder = RunFolder::open(run);
        let path = folder.checkpoint_path("last");
        let checkpoint = Checkpoint::read(&path)?;
        let mut state = State::parse(&checkpoint, &path)?;
        state.config.epochs = arguments.epochs.unwrap_or(state.config.epochs);
        if state.config.epochs < state.epoch {
            let problem = format!("--epochs {}: the run has {} already", state.config.epochs, state.epoch);
            return Err(Error::Usage(format!("{problem}; give that many or more")));
        }
        let data_dir = arguments.data_dir.clone().or_else(|| record::data_dir(&folder));
        return Ok(Start { config: state.config.clone(), data_dir, resumed: Some((folder, state, checkpoint, path)) });
    }
    let (model, epochs) = model::by_name_or_file(&arguments.model)?;
    let config = Config {
        epochs: arguments.epochs.unwrap_or(epochs),
        batch_size: arguments.batch_size,
        learning_rate: arguments.learning_rate,
        seed: arguments.seed,
        split_seed: arguments.split_seed,
        validation_fraction: arguments.validation_fraction,
        shuffle: !arguments.no_shuffle,
        tiles: Tiles::Cpu,
        model,
    };
    config.check()?;
    Ok(Start { config, data_dir: arguments.data_dir.clone(), resumed: None })
}

/// A run with everything it reports to.
struct Run<'a> {
    trainer: Trainer<'a>,
    folder: RunFolder,
    history: History,
    console: Console,
    device: Device,
    json: bool,
}

impl Run<'_> {
    fn go(mut self) -> Result<()> {
        while self.trainer.state().epoch < self.trainer.state().config.epochs {
            let Some(finished) = self.epoch()? else { return self.interrupted() };
            self.report(&finished)?;
            if interrupt::requested().is_break() {
                return self.interrupted();
            }
        }
        self.finish()
    }

    /// Trains one epoch with its progress on the console.
    fn epoch(&mut self) -> Result<Option<Finished>> {
        let Self { trainer, console, .. } = self;
        let (steps, batch) = (trainer.steps(), trainer.state().config.batch_size);
        let title = format!("Epoch {}/{}", trainer.state().epoch + 1, trainer.state().config.epochs);
        if console.is_terminal() {
            console.show(&title);
        }
        let before = trainer.state().step;
        let start = Instant::now();
        let mut shown: Option<Instant> = None;
        let mut visit = |tally: &Tally| {
            let step = (tally.samples as usize).div_ceil(batch);
            // A fast device answers more often than anyone can read.
            if shown.is_none_or(|shown| shown.elapsed().as_millis() >= 50) {
                shown = Some(Instant::now());
                let seconds_per_step = start.elapsed().as_secs_f64() / (step - before).max(1) as f64;
                let metrics = [("accuracy", tally.accuracy()), ("loss", tally.loss())];
                let seconds = seconds_per_step * (steps - step) as f64;
                let line = Line { step, steps, seconds, seconds_per_step, metrics: &metrics };
                console.show_for_now(&line.for_terminal(console));
            }
            interrupt::requested()
        };
        trainer.epoch(&mut visit)
    }

    /// Writes and says what an epoch came to.
    fn report(&mut self, finished: &Finished) -> Result<()> {
        let Finished { result, best, seconds, seconds_per_step, images_per_second } = *finished;
        // The best one first: should the process end between them, going on from `last` finds it again.
        let checkpoint = self.trainer.checkpoint()?;
        self.folder.save(&checkpoint, if best { &["best", "last"] } else { &["last"] })?;
        self.history.push(result, seconds);
        self.folder.write("metrics.csv", &self.history.csv())?;
        let metrics = [
            ("accuracy", result.accuracy),
            ("loss", result.loss),
            ("val_accuracy", result.val_accuracy),
            ("val_loss", result.val_loss),
        ];
        let steps = self.trainer.steps();
        let line = Line { step: steps, steps, seconds, seconds_per_step, metrics: &metrics };
        let plain = format!("Epoch {}/{}: {}", result.epoch, self.trainer.state().config.epochs, line.plain());
        if self.console.is_terminal() {
            self.console.record(&plain);
            self.console.show(&line.for_terminal(&self.console));
        } else {
            self.console.say(&plain);
        }
        self.save_log()?;
        if !self.json {
            return Ok(());
        }
        output::json(&EpochObject { result, seconds, images_per_second })
    }

    fn interrupted(mut self) -> Result<()> {
        let checkpoint = self.trainer.checkpoint()?;
        self.folder.save(&checkpoint, &["last"])?;
        let path = self.folder.checkpoint_path("last");
        let (path, folder) = (path.display(), self.folder.path().display());
        let message = format!("saved {path}; go on with: gpu-fmnist train --resume {folder}");
        self.console.record(&message);
        self.save_log()?;
        Err(Error::Interrupted(message))
    }

    /// Measures the test samples, says so and ends.
    fn finish(mut self) -> Result<()> {
        let test = self.trainer.test()?;
        let text = format!("test loss: {:.4} - test accuracy: {:.4}", test.loss(), test.accuracy());
        self.console.record(&text);
        self.save_log()?;
        let config = &self.trainer.state().config;
        if !self.json {
            return output::text(&(text + "\n"));
        }
        output::json(&LastObject {
            model: &config.model.name,
            adapter: self.device.name(),
            backend: self.device.backend(),
            device_type: self.device.device_type(),
            seed: config.seed,
            epochs: config.epochs,
            test_loss: test.loss(),
            test_accuracy: test.accuracy(),
            run_dir: self.folder.path(),
        })
    }

    fn save_log(&self) -> Result<()> {
        self.folder.write("train.log", self.console.log())
    }
}

/// `--json`'s line for an epoch.
#[derive(Serialize)]
struct EpochObject {
    #[serde(flatten)]
    result: EpochResult,
    /// Of the whole epoch.
    seconds: f64,
    /// Of the training part.
    images_per_second: f64,
}

/// `--json`'s last line.
#[derive(Serialize)]
struct LastObject<'a> {
    model: &'a str,
    adapter: &'a str,
    backend: &'a str,
    device_type: &'a str,
    seed: u64,
    epochs: usize,
    test_loss: f64,
    test_accuracy: f64,
    run_dir: &'a Path,
}
