//! `gpu-fmnist report`

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::device::AdapterOption;
use super::trained::{CheckpointOption, ModelOption, Part, TrainedRun};
use super::{output, setup};
use crate::error::Result;
use crate::report::{Contents, html};
use crate::train::{Environment, History, RunFolder};

/// Write RUN/report.html: one page with everything about a run, to read offline or to mail.
///
/// What was trained and on which adapter, learning curves, classification report, confusion matrix, calibration, samples,
/// and how to do it again. It needs neither network nor script.
#[derive(Args)]
#[command(after_help = super::EXIT_CODES)]
pub struct ReportArguments {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointOption,
    /// The data set's folder; by default the run's own
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    adapter: AdapterOption,
    /// No messages but errors
    #[arg(short, long)]
    quiet: bool,
}

const FILE: &str = "report.html";

pub fn run(arguments: &ReportArguments) -> Result<()> {
    let mut console = Console::new(arguments.quiet);
    let trained = arguments.checkpoint.open(&arguments.run, &ModelOption::default())?;
    let TrainedRun { folder, checkpoint, state } = trained.run()?;
    let environment = Environment::read(folder)?;
    let device = arguments.adapter.device(&mut console)?;
    let (dataset, samples) = trained.samples(arguments.data_dir.clone(), Part::Test, &mut console)?;
    let (loss, predictions) = setup::evaluator(&trained, (&dataset).into(), &device)?.predict(&samples)?;
    let split = state.config.split(dataset.train.len())?;
    let contents = Contents {
        folder: folder.path(),
        checkpoint,
        state,
        environment: &environment,
        history: &History::resumed(&state.history, &folder.read("metrics.csv")),
        names: &trained.class_names(),
        split: [split.train.len(), split.validation.len()],
        tested_on: &device.describe(),
        loss,
        predictions: &predictions,
        test: &dataset.test,
    };
    let path = write(folder, &contents)?;
    output::text(&format!("wrote {}\n", path.display()))
}

/// Writes the page into the run's folder; its path.
///
/// # Errors
/// [`crate::error::Error::Failed`] where it cannot be drawn or written.
pub fn write(folder: &RunFolder, contents: &Contents) -> Result<PathBuf> {
    folder.write(FILE, &html(contents)?)?;
    Ok(folder.path().join(FILE))
}
