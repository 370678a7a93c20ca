//! What `gpu-fmnist train` is told.

use std::path::PathBuf;

use clap::{Args, FromArgMatches};

use super::callbacks::CallbackOptions;
use super::device::AdapterOption;
use super::names::NamesOption;
use super::options::{DataDirOption, JsonOption, QuietOption, models};
use super::recipe::RecipeOptions;
use super::split::SplitOptions;
use super::tiling::TilesOption;
use crate::train::Schedule;

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
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub recipe: RecipeOptions,
    /// How the learning rate goes on from step to step, as in Keras [default: what the model's file says, or constant]
    #[arg(long, value_enum)]
    pub schedule: Option<Schedule>,
    /// Epochs in which the learning rate grows from 0, step by step, before the schedule begins [default: 0]
    #[arg(long, value_name = "N")]
    pub warm_up_epochs: Option<usize>,
    /// Of the initial weights, the shuffling, the dropout and the augmentation
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    #[command(flatten)]
    pub split: SplitOptions,
    /// Visit the training samples in the same order in every epoch
    #[arg(long)]
    pub no_shuffle: bool,
    #[command(flatten)]
    pub data: DataDirOption,
    #[command(flatten)]
    pub names: NamesOption,
    /// The folder to write [default: runs/<model>-<n> with the next free number]
    #[arg(long, value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,
    /// Start from the weights in a file: a checkpoint, safetensors, Keras' .h5 or .keras, or ONNX
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,
    /// Go on with an interrupted run, exactly as it would have; with --epochs, to that many
    #[arg(long, value_name = "RUN", group = "patient", conflicts_with_all = [
        "model", "batch_size", "micro_batch", "learning_rate", "precision", "augment", "set", "schedule",
        "warm_up_epochs", "seed", "split_seed", "validation_fraction", "no_shuffle", "run_dir", "init", "tiles", "callbacks",
    ])]
    pub resume: Option<PathBuf>,
    /// Also save within an epoch, each time so many minutes have passed
    #[arg(long, value_name = "MINUTES", allow_hyphen_values = true)]
    pub checkpoint_minutes: Option<f64>,
    #[command(flatten)]
    pub adapter: AdapterOption,
    #[command(flatten)]
    pub tiles: TilesOption,
    /// No learning curves, confusion matrix and report.html at the end
    #[arg(long)]
    pub no_report: bool,
    /// Also write the scalars of every step and epoch into the run's folder as TensorBoard reads them
    #[arg(long)]
    pub tensorboard: bool,
    #[command(flatten)]
    pub json: JsonOption,
    #[command(flatten)]
    pub quiet: QuietOption,
    /// Also say what the plan takes of the device
    #[arg(short, long)]
    pub verbose: bool,
    #[command(flatten)]
    pub callbacks: CallbackOptions,
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
