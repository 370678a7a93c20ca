//! `gpu-fmnist evaluate`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::console::Console;
use super::device::AdapterOption;
use super::{dataset, output, record, setup};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::formats::Checkpoint;
use crate::train::{RunFolder, State};

/// Measure a run's loss and accuracy.
#[derive(Args)]
#[command(after_help = super::EXIT_CODES)]
pub struct EvaluateArguments {
    /// The run's folder
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// The weights after the last epoch, or those with the best validation accuracy
    #[arg(long, value_enum, default_value_t = Which::Last)]
    checkpoint: Which,
    /// The samples to measure on
    #[arg(long, value_enum, default_value_t = Part::Test)]
    split: Part,
    /// The data set's folder; by default the run's own. Of another, only --split test is measured
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    adapter: AdapterOption,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    /// No messages but errors
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    Best,
    Last,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Test,
    Validation,
    Train,
}

pub fn run(arguments: &EvaluateArguments) -> Result<()> {
    let mut console = Console::new(arguments.quiet);
    let folder = RunFolder::open(&arguments.run);
    let checkpoint_name = match arguments.checkpoint {
        Which::Best => "best",
        Which::Last => "last",
    };
    let path = folder.checkpoint_path(checkpoint_name);
    let checkpoint = Checkpoint::read(&path)?;
    let state = State::parse(&checkpoint, &path)?;
    let device = arguments.adapter.device(&mut console)?;
    let data_dir = arguments.data_dir.clone().or_else(|| record::data_dir(&folder));
    let dataset = dataset::open(data_dir.as_deref(), &state.config.model, &mut console)?;
    check_data(arguments, &state, &dataset, &mut console)?;
    let count = dataset.train.len();
    let (part, samples) = match arguments.split {
        Part::Test => ("test", (count as u32..(count + dataset.test.len()) as u32).collect()),
        Part::Validation => ("validation", state.config.split(count)?.validation),
        Part::Train => ("train", state.config.split(count)?.train),
    };
    let tally = setup::evaluator((&checkpoint, &path), &state, &dataset, &device)?.measure(&samples)?;
    if !arguments.json {
        return output::text(&format!("{part} loss: {:.4} - {part} accuracy: {:.4}\n", tally.loss(), tally.accuracy()));
    }
    output::json(&json!({
        "model": state.config.model.name,
        "adapter": device.name(),
        "backend": device.backend(),
        "device_type": device.device_type(),
        "run_dir": folder.path(),
        "checkpoint": checkpoint_name,
        "epoch": state.epoch,
        "split": part,
        "samples": tally.samples,
        "loss": tally.loss(),
        "accuracy": tally.accuracy(),
    }))
}

/// Refuses to measure on samples that are not the run's, unless they are another data set's test samples and asked for.
fn check_data(arguments: &EvaluateArguments, state: &State, dataset: &Dataset, console: &mut Console) -> Result<()> {
    if state.data == dataset::hashes(dataset) {
        return Ok(());
    }
    let folder = dataset.folder.display();
    let problem = format!("{folder}: not the data set that the run was trained on");
    match arguments.split {
        Part::Test if arguments.data_dir.is_some() => {
            console.say(&format!("{problem}; measuring its test samples"));
            Ok(())
        }
        Part::Test => Err(Error::Data(format!(
            "{problem}; give that one with --data-dir, or this one to measure its test samples all the same"
        ))),
        Part::Validation | Part::Train => {
            Err(Error::Data(format!("{problem}; give that one with --data-dir, or take --split test")))
        }
    }
}
