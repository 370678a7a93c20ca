//! `gpu-fmnist evaluate`

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::console::Console;
use super::device::AdapterOption;
use super::judgement::Judgement;
use super::trained::{Part, TrainedOptions};
use super::{output, setup};
use crate::error::Result;

/// Judge a run: loss, accuracy, classification report, confusion matrix and calibration.
///
/// The report is scikit-learn's, the confusion matrix a table here and a heat map in the folder that is written.
#[derive(Args)]
#[command(after_help = super::EXIT_CODES)]
pub struct EvaluateArguments {
    #[command(flatten)]
    trained: TrainedOptions,
    /// The samples to measure on
    #[arg(long, value_enum, default_value_t = Part::Test)]
    split: Part,
    /// The data set's folder; by default the run's own. Of another, only --split test is measured
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where the tables and pictures go [default: RUN/evaluation/<split>]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
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
    let (loss, predictions) = setup::evaluator(&trained, (&dataset).into(), &device)?.predict(&samples)?;
    let (part, names) = (arguments.split.name(), trained.class_names());
    let judgement = Judgement::new(part, &names, loss, &predictions);
    let target = arguments.output.clone().unwrap_or_else(|| folder(trained.folder.path(), arguments.split));
    judgement.save(&target)?;
    console
        .say(&format!("wrote the report, the confusion matrix and the reliability diagram into {}", target.display()));
    if !arguments.json {
        return output::text(&judgement.text());
    }
    let about = Network {
        model: &trained.state.config.model.name,
        adapter: device.name(),
        backend: device.backend(),
        device_type: device.device_type(),
        run_dir: trained.folder.path(),
        checkpoint: trained.name,
        epoch: trained.state.epoch,
        judgement: judgement.json(),
    };
    output::json(&about)
}

/// Where a run keeps what its network is worth on a part of the data.
pub fn folder(run: &Path, part: Part) -> PathBuf {
    run.join("evaluation").join(part.name())
}

/// `--json`'s object.
#[derive(Serialize)]
struct Network<'a> {
    model: &'a str,
    adapter: &'a str,
    backend: &'a str,
    device_type: &'a str,
    run_dir: &'a Path,
    checkpoint: &'a str,
    epoch: usize,
    #[serde(flatten)]
    judgement: Value,
}
