//! `gpu-fmnist track`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::console::Console;
use super::options::QuietOption;
use super::{interrupt, output};
use crate::error::{Error, Result};
use crate::tracking::mlflow::{Failure, Sender, Sent};
use crate::tracking::{Status, TrackedRun, runs_in};
use crate::train::RunFolder;

/// Send runs to an MLflow server: configuration, metrics of every step and epoch, and at the end report and weights.
///
/// It reads the runs' folders, so that no server ever stops a training. What the server has already is not sent again: after a
/// server or a network that failed, run it once more.
#[derive(Args)]
#[command(after_help = format!("{NOTES}\n\n{}", super::exit_codes::EXIT_CODES))]
pub struct TrackArguments {
    /// Runs' folders, or folders that runs are in
    #[arg(value_name = "RUN|FOLDER", required = true)]
    runs: Vec<PathBuf>,
    /// The server's address, as in http://127.0.0.1:5000
    #[arg(long, value_name = "URL", env = "MLFLOW_TRACKING_URI")]
    mlflow: String,
    /// The experiment there; it is made where there is none
    #[arg(long, value_name = "NAME", env = "MLFLOW_EXPERIMENT_NAME", default_value = env!("CARGO_PKG_NAME"))]
    experiment: String,
    /// Go on until all runs have ended, those too that appear meanwhile; a server that fails is tried again
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    quiet: QuietOption,
}

/// clap wraps the lines to the terminal.
const NOTES: &str = "\
A server that asks who you are is told MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN. An \
answer may take MLFLOW_HTTP_REQUEST_TIMEOUT seconds [default: 30].";

/// Between two looks at the runs.
const EVERY: Duration = Duration::from_secs(2);
/// How long a server that fails is tried again once all runs have ended.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(arguments: &TrackArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let mut sender = Sender::new(&arguments.mlflow, &arguments.experiment)?;
    let mut runs = BTreeMap::new();
    if arguments.follow {
        interrupt::watch(&mut console);
        return follow(arguments, &mut sender, &mut runs, &mut console);
    }
    look(&arguments.runs, &mut runs);
    for path in &arguments.runs {
        if !runs.keys().any(|run| run.starts_with(path)) {
            // Says what is there instead.
            RunFolder::find(path)?;
            return Err(Error::Data(format!("{}: no run in it has begun; give another folder", path.display())));
        }
    }
    for run in runs.values() {
        let sent = sender.send(run).map_err(|failure| again(&failure.message()))?;
        tell(run, &sent, &mut console)?;
    }
    Ok(())
}

/// What is needed to try again.
fn again(message: &str) -> Error {
    Error::Failed(format!("{message}, and track again: what arrived is not sent twice"))
}

/// Finds runs that are new, and looks again at those that are known.
fn look(paths: &[PathBuf], runs: &mut BTreeMap<PathBuf, TrackedRun>) {
    for path in paths.iter().flat_map(|path| runs_in(path)) {
        runs.entry(path).and_modify(TrackedRun::refresh).or_insert_with_key(|path| TrackedRun::open(path));
    }
}

/// A line about what was sent, if anything was.
fn tell(run: &TrackedRun, sent: &Sent, console: &mut Console) -> Result<()> {
    let path = run.path().display();
    if let Some(problem) = &run.problem {
        console.say(&format!("{problem}: its epochs are not sent"));
    }
    if let Some(uri) = &sent.elsewhere {
        console.say(&format!(
            "{path}: its files are not sent, the server has its clients write to {uri}; start it with --serve-artifacts"
        ));
    }
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let Sent { epochs, steps, files, page, .. } = sent;
    let what = [counted(*epochs, "epoch"), counted(*steps, "step"), counted(*files, "file")].join(", ");
    output::text(&format!("{path}: {what} sent; {page}\n"))
}

/// Sends until all runs have ended and are sent.
fn follow(
    arguments: &TrackArguments,
    sender: &mut Sender,
    runs: &mut BTreeMap<PathBuf, TrackedRun>,
    console: &mut Console,
) -> Result<()> {
    let (mut failing, mut ended): (bool, Option<Instant>) = (false, None);
    // What was sent of each run, which is not looked at again once it has ended.
    let mut whole = BTreeMap::new();
    loop {
        look(&arguments.runs, runs);
        let mut failure = None;
        for run in runs.values() {
            let state = (run.status, run.epochs.len(), run.steps().len());
            if run.status != Status::Running && whole.get(run.path()) == Some(&state) {
                continue;
            }
            match sender.send(run) {
                Ok(sent) => {
                    whole.insert(run.path().to_owned(), state);
                    if sent.epochs + sent.files > 0 {
                        tell(run, &sent, console)?;
                    }
                }
                Err(Failure::Unreachable(message)) => {
                    failure = Some(message);
                    break;
                }
                Err(failure) => return Err(again(&failure.message())),
            }
        }
        match (&failure, failing) {
            (Some(message), false) => console.say(&format!("{message}; trying again, nothing is lost meanwhile")),
            (None, true) => console.say(&format!("{}: it answers again", arguments.mlflow)),
            _ => {}
        }
        failing = failure.is_some();
        let all_ended = !runs.is_empty() && runs.values().all(|run| run.status != Status::Running);
        ended = if all_ended { ended.or_else(|| Some(Instant::now())) } else { None };
        match failure {
            None if all_ended => return Ok(()),
            Some(message) if ended.is_some_and(|since| since.elapsed() > PATIENCE) => {
                return Err(again(&message));
            }
            _ => {}
        }
        let next = Instant::now() + EVERY;
        while Instant::now() < next {
            if interrupt::requested(()).is_break() {
                return Err(Error::Interrupted("stopped; track again to send the rest".into()));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}
