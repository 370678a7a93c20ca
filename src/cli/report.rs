//! `gpu-fmnist report`

use std::path::{Path, PathBuf};

use clap::Args;

use super::device::AdapterOption;
use super::judgement::Judgement;
use super::names::NamesOption;
use super::options::{DataDirOption, QuietOption};
use super::trained::{CheckpointOption, ModelOption, Part, TrainedRun};
use super::{output, setup};
use crate::augment::Views;
use crate::error::Result;
use crate::formats::{write_own, write_whole};
use crate::report::{Contents, html};
use crate::train::{Environment, History, RunFolder};

/// Write RUN/report.html, or another file: one page with everything about a run, to read offline or to mail.
///
/// What was trained and on which adapter, learning curves, classification report, confusion matrix, calibration, samples,
/// and how to do it again. It needs neither network nor script.
#[derive(Args)]
#[command(after_help = super::exit_codes::EXIT_CODES)]
#[command(mut_arg("data_dir", |argument| argument.help("The data set's folder; by default the run's own")))]
pub struct ReportArguments {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointOption,
    #[command(flatten)]
    names: NamesOption,
    /// The file to write [default: report.html in the run's folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: DataDirOption,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    quiet: QuietOption,
}

pub fn run(arguments: &ReportArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let trained = arguments.checkpoint.open(&arguments.run, &ModelOption::default())?.named(&arguments.names)?;
    let TrainedRun { folder, checkpoint, state } = trained.run()?;
    let environment = Environment::read(folder)?;
    let history = History::resumed(&state.history, &folder.read("metrics.csv")?);
    let device = arguments.adapter.device(&mut console)?;
    let (dataset, samples) = trained.samples(arguments.data.path(), Part::Test, &mut console)?;
    let (loss, predictions) =
        setup::evaluator(&trained, (&dataset).into(), &device, Views::default())?.predict(&samples)?;
    let split = state.split(dataset.train.len(), &trained.path)?;
    let contents = Contents {
        folder: folder.path(),
        checkpoint,
        state,
        environment: &environment,
        history: &history,
        names: &trained.class_names(Some(&dataset))?,
        split: [split.train.len(), split.validation.len()],
        tested_on: &device.describe(),
        loss,
        predictions: &predictions,
        test: &dataset.test,
    };
    let path = arguments.output.clone().unwrap_or_else(|| path(folder));
    let written = match &arguments.output {
        Some(path) => html(&contents).and_then(|page| write_whole(path, page.as_bytes())),
        None => write(&path, &contents),
    };
    if let Err(error) = written {
        // What was measured is told all the same.
        let judgement = Judgement::new(Part::Test.name(), contents.names, loss, &predictions);
        output::text(&(judgement.line() + "\n"))?;
        return Err(error);
    }
    output::text(&format!("wrote {}\n", path.display()))
}

/// The file in a run's folder.
pub fn path(folder: &RunFolder) -> PathBuf {
    folder.path().join("report.html")
}

/// Writes the page into a run's folder.
///
/// # Errors
/// [`crate::error::Error::Failed`] where it cannot be drawn or written.
pub fn write(path: &Path, contents: &Contents) -> Result<()> {
    write_own(path, html(contents)?.as_bytes())
}
