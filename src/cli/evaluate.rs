//! `gpu-fmnist evaluate`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::console::Console;
use super::device::AdapterOption;
use super::trained::{Part, TrainedOptions};
use super::{output, setup};
use crate::error::Result;

/// Measure a trained network's loss and accuracy.
#[derive(Args)]
#[command(after_help = super::EXIT_CODES)]
pub struct EvaluateArguments {
    #[command(flatten)]
    trained: TrainedOptions,
    /// The samples to measure on
    #[arg(long, value_enum, default_value_t = Part::Test)]
    split: Part,
    /// The data set's folder; by default the run's own, or for a file the first of the usual ones that has it. Of
    /// another than the run's, only --split test is measured
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

pub fn run(arguments: &EvaluateArguments) -> Result<()> {
    let mut console = Console::new(arguments.quiet);
    let trained = arguments.trained.open()?;
    let device = arguments.adapter.device(&mut console)?;
    let (dataset, samples) = trained.samples(arguments.data_dir.clone(), arguments.split, &mut console)?;
    let (loss, predictions) = setup::evaluator(&trained, &dataset, &device)?.predict(&samples)?;
    let (part, accuracy) = (arguments.split.name(), predictions.top(1));
    if !arguments.json {
        return output::text(&format!("{part} loss: {loss:.4} - {part} accuracy: {accuracy:.4}\n"));
    }
    let run = trained.run.as_ref();
    output::json(&json!({
        "model": trained.network.model.name,
        "adapter": device.name(),
        "backend": device.backend(),
        "device_type": device.device_type(),
        "run_dir": run.map(|run| run.folder.path()),
        "checkpoint": run.map(|run| run.checkpoint),
        "epoch": run.map(|run| run.state.epoch),
        "split": part,
        "samples": predictions.len(),
        "loss": loss,
        "accuracy": accuracy,
    }))
}
