//! `gpu-fmnist evaluate`

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::device::{AdapterOption, Device};
use super::judgement::Judgement;
use super::options::{DataDirOption, JsonOption, QuietOption, TtaOption, precisions};
use super::trained::{Part, Trained, TrainedOptions};
use super::{output, setup};
use crate::augment::Views;
use crate::error::Result;
use crate::precision::Precision;

/// Judge a trained network: loss, accuracy, classification report, confusion matrix and calibration.
///
/// The report is scikit-learn's, the confusion matrix a table here and a heat map in the folder that is written.
#[derive(Args)]
#[command(after_help = super::exit_codes::EXIT_CODES)]
#[command(mut_arg("data_dir", |argument| {
    argument.help(
        "The data set's folder; by default the run's own, or for a file the first of the usual ones that has it. \
        Of another than the run's, only --split test is measured"
    )
}))]
pub struct EvaluateArguments {
    #[command(flatten)]
    trained: TrainedOptions,
    /// The samples to measure on
    #[arg(long, value_enum, default_value_t = Part::Test)]
    split: Part,
    /// In how many bits activations are stored [default: as the run was trained, or f32]
    #[arg(long, value_parser = precisions())]
    precision: Option<Precision>,
    #[command(flatten)]
    tta: TtaOption,
    #[command(flatten)]
    data: DataDirOption,
    /// Where the tables and pictures go [default: RUN/evaluation/<split>, with --tta <split>-tta, with another
    /// --precision <split>-bf16; for a file, nowhere]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

pub fn run(arguments: &EvaluateArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let views = arguments.tta.views()?;
    let mut trained = arguments.trained.open()?;
    trained.precision = arguments.precision.unwrap_or(trained.precision);
    let device = arguments.adapter.device(&mut console)?;
    let (dataset, samples) = trained.samples(arguments.data.path(), arguments.split, &mut console)?;
    let names = trained.class_names(Some(&dataset))?;
    let (loss, predictions) = setup::evaluator(&trained, (&dataset).into(), &device, views)?.predict(&samples)?;
    let judgement = Judgement::new(arguments.split.name(), &names, loss, &predictions);
    // What another data set's samples say of the network is nothing of the run's own.
    let own = trained.run.as_ref().filter(|run| run.trained_on(&dataset));
    let in_run = own.map(|run| folder(run.folder.path(), arguments.split));
    // What the network is worth without further views, and as it was trained, stays beside it.
    let rounded = own.filter(|run| run.state.config.precision != trained.precision);
    let also = [(!views.is_one()).then_some("-tta"), rounded.map(|_| as_stored(trained.precision))];
    let name = also.into_iter().flatten().fold(arguments.split.name().to_owned(), |name, also| name + also);
    let in_run = in_run.map(|folder| folder.with_file_name(name));
    let saved = arguments.output.clone().or(in_run).map_or(Ok(()), |folder| {
        judgement.save(&folder)?;
        let folder = folder.display();
        console.say(&format!("wrote the report, the confusion matrix and the reliability diagram into {folder}"));
        Ok(())
    });
    // What was measured is told wherever it could be written.
    print(arguments, &trained, &device, (views, &judgement))?;
    saved
}

fn print(
    arguments: &EvaluateArguments,
    trained: &Trained,
    device: &Device,
    (views, judgement): (Views, &Judgement),
) -> Result<()> {
    if !arguments.json.is_given() {
        return output::tables(&judgement.text());
    }
    let run = trained.run.as_ref();
    let about = Judged {
        model: &trained.network.model.name,
        adapter: device.name(),
        backend: device.backend(),
        device_type: device.device_type(),
        run_dir: run.map(|run| run.folder.path().to_string_lossy()),
        checkpoint: run.map(|run| run.checkpoint),
        epoch: run.map(|run| run.state.epoch),
        tta: (!views.is_one()).then(|| views.to_string()),
        precision: trained.precision,
        judgement: judgement.json(),
    };
    output::json(&about)
}

/// What follows a folder's name where activations are otherwise than in training.
fn as_stored(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "-f32",
        Precision::Bf16 => "-bf16",
        Precision::F16 => "-f16",
    }
}

/// Where a run keeps what its network is worth on a part of the data.
pub fn folder(run: &Path, part: Part) -> PathBuf {
    run.join("evaluation").join(part.name())
}

/// `--json`'s object; without a run, what is the run's is null.
#[derive(Serialize)]
struct Judged<'a> {
    model: &'a str,
    adapter: &'a str,
    backend: &'a str,
    device_type: &'a str,
    run_dir: Option<Cow<'a, str>>,
    checkpoint: Option<&'a str>,
    epoch: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tta: Option<String>,
    #[serde(skip_serializing_if = "Precision::is_f32")]
    precision: Precision,
    #[serde(flatten)]
    judgement: Value,
}
