//! `gpu-fmnist evaluate`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::console::Console;
use super::device::AdapterOption;
use super::{dataset, output, record, setup};
use crate::error::Result;
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
    /// The data set's folder; by default the run's own
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
    let mut trainer = setup::trainer(state, &dataset, &device, false, &mut console)?;
    trainer.start_from(&checkpoint, &path)?;
    let (part, tally) = match arguments.split {
        Part::Test => ("test", trainer.test()?),
        Part::Validation => ("validation", trainer.evaluate(&trainer.split().validation.clone())?),
        Part::Train => ("train", trainer.evaluate(&trainer.split().train.clone())?),
    };
    if !arguments.json {
        return output::text(&format!("{part} loss: {:.4} - {part} accuracy: {:.4}\n", tally.loss(), tally.accuracy()));
    }
    output::json(&json!({
        "model": trainer.state().config.model.name,
        "adapter": device.name(),
        "backend": device.backend(),
        "device_type": device.device_type(),
        "run_dir": folder.path(),
        "checkpoint": checkpoint_name,
        "epoch": trainer.state().epoch,
        "split": part,
        "samples": tally.samples,
        "loss": tally.loss(),
        "accuracy": tally.accuracy(),
    }))
}
