//! `gpu-fmnist task`

use std::path::PathBuf;

use clap::Args;

use super::device::AdapterOption;
use super::options::{DataDirOption, JsonOption, QuietOption};
use super::run::{Pruner, Run};
use super::train;
use super::train_arguments::TrainArguments;
use crate::error::{Error, Result};
use crate::sweep::{Finished, Manifest, Outcome, Standing, Status};
use crate::train::{Host, RunFolder};

/// Do one task of a sweep: begin it, or go on with it where it was interrupted; where it has ended, there is nothing to do.
///
/// No two processes do the same task at a time, on whichever hosts that share the sweep's folder: the second one ends with
/// exit code 7.
#[derive(Args)]
#[command(after_help = super::exit_codes::EXIT_CODES)]
#[command(mut_arg("data_dir", |argument| {
    argument.help("The data set's folder; by default where it was, or the first of the usual ones that has the same")
}))]
#[command(mut_arg("json", |argument| {
    argument.help("Print a JSON object for each epoch, and a last one with the test's result, as 'train' does")
}))]
pub struct TaskArguments {
    /// The sweep's folder
    #[arg(value_name = "SWEEP")]
    sweep: PathBuf,
    /// Which task, from 1
    #[arg(value_name = "I", env = "SLURM_ARRAY_TASK_ID")]
    number: usize,
    #[command(flatten)]
    data: DataDirOption,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

pub fn run(arguments: &TaskArguments) -> Result<()> {
    let manifest = Manifest::open(&arguments.sweep)?;
    let (number, mut console) = (arguments.number, arguments.quiet.console());
    let task = manifest.task(number)?;
    let mut has_ended = || -> Result<bool> {
        let Standing::Ended(outcome) = manifest.standing(number)? else { return Ok(false) };
        console.show(&format!("task {number}: {} already", outcome.status.name()));
        Ok(true)
    };
    if has_ended()? {
        return Ok(());
    }
    let folder = RunFolder::claim(&manifest.task_folder(number))?;
    // Another process may just have ended it.
    if has_ended()? {
        return Ok(());
    }
    let train = train_arguments(arguments, &task.arguments)?;
    train::with_task(&train, task, folder, |run| {
        run.pruner = pruner(&manifest);
        let (status, tested) = match run.finish() {
            Ok(ended) if ended.pruned => (Status::Pruned, Some(ended)),
            Ok(ended) => (Status::Complete, Some(ended)),
            Err(Error::Diverged(problem)) => {
                run.console.show(&problem);
                (Status::Diverged, None)
            }
            Err(Error::Interrupted(_)) => return Err(interrupted(&manifest, number)),
            Err(error) => return Err(error),
        };
        let outcome = Outcome {
            test_loss: tested.map(|ended| ended.test_loss),
            test_accuracy: tested.map(|ended| ended.test_accuracy),
            ..outcome(run, status)
        };
        outcome.write(&run.folder)
    })
}

/// What a run came to that was not tested.
fn outcome(run: &Run, status: Status) -> Outcome {
    let seconds: f64 =
        run.history.rows().iter().filter_map(|(_, seconds)| *seconds).fold(0.0, |sum, seconds| sum + seconds);
    Outcome {
        status,
        epochs: run.trainer.state().epoch,
        test_loss: None,
        test_accuracy: None,
        training_flop: run.training_flop(),
        seconds: (1e3 * seconds).round() / 1e3,
        adapter: run.device.name().to_owned(),
        host: Host::own().name,
    }
}

fn interrupted(manifest: &Manifest, number: usize) -> Error {
    let folder = crate::shell::quoted(manifest.folder().as_os_str());
    Error::Interrupted(format!("task {number} is saved; go on with: gpu-fmnist task {folder} {number}"))
}

/// The task's options of `train`, and those of this command.
fn train_arguments(arguments: &TaskArguments, words: &[String]) -> Result<TrainArguments> {
    let mut words = words.to_vec();
    words.push(format!("--adapter={}", arguments.adapter.name()));
    words.extend(arguments.quiet.is_given().then(|| "--quiet".into()));
    words.extend(arguments.json.is_given().then(|| "--json".into()));
    let mut train = TrainArguments::parse(&words).map_err(|error| {
        let problem = error.to_string().lines().next().unwrap_or_default().to_owned();
        Error::Data(format!("a manifest of another version of this program ({problem}); make it anew with 'sweep new'"))
    })?;
    // A path may be no text.
    train.data.give(arguments.data.path());
    Ok(train)
}

/// Asks the sweep's files whether a run is worth going on with.
fn pruner(manifest: &Manifest) -> Option<Pruner> {
    let (pruning, metric) = (manifest.pruning?, manifest.metric);
    let tasks: Vec<PathBuf> = (1..=manifest.tasks.len()).map(|number| manifest.task_folder(number)).collect();
    Some(Box::new(move |own| {
        let values: Vec<f64> = own.iter().filter_map(|result| metric.of(result)).collect();
        let mut finished = Vec::new();
        for folder in &tasks {
            if let Standing::Ended(outcome) = Standing::of(folder)? {
                finished.push(Finished::of(&outcome, folder, metric));
            }
        }
        Ok(pruning.reason(metric, &values, &finished))
    }))
}
