//! Runs that are watched line by line: for files, pipes and people who do not want a screen redrawn.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::output;
use super::progress::{clock, spelled};
use super::watched::Watched;
use crate::error::Result;
use crate::model::thousands;
use crate::shell::quoted;
use crate::tracking::{Epoch, Status, TrackedRun};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// How much of a run was printed.
#[derive(Default)]
struct Printed {
    epochs: usize,
    problem: bool,
    /// Whether its end was.
    end: bool,
}

/// Prints a line for each epoch of each run, and one for a run's end, until all runs have ended; to follow is to go on then.
///
/// # Errors
/// [`crate::error::Error::Failed`] where stdout cannot be written.
pub fn print(watched: &mut Watched, follow: bool) -> Result<()> {
    let mut printed: BTreeMap<PathBuf, Printed> = BTreeMap::new();
    loop {
        for run in &watched.runs {
            let lines = printed.entry(run.path().to_owned()).or_default().next(run);
            output::text(&lines)?;
        }
        if !follow && watched.runs.iter().all(|run| run.status != Status::Running) {
            return Ok(());
        }
        thread::sleep(EVERY);
        watched.look();
    }
}

impl Printed {
    /// The lines that are still to be printed.
    fn next(&mut self, run: &TrackedRun) -> String {
        let mut lines: Vec<String> = run.epochs.iter().skip(self.epochs).map(|epoch| line(run, epoch)).collect();
        // Fewer than before where a run was resumed from an earlier checkpoint.
        self.epochs = run.epochs.len();
        if let Some(problem) = run.problem.as_ref().filter(|_| !self.problem) {
            lines.push(problem.clone());
        }
        self.problem = run.problem.is_some();
        let has_ended = run.status != Status::Running;
        if has_ended && !self.end {
            lines.push(end(run));
        }
        self.end = has_ended;
        lines.iter().map(|line| line.to_owned() + "\n").collect()
    }
}

/// `runs/cnn1-1: epoch 3/10 - loss: 0.3401 - ...`
fn line(run: &TrackedRun, epoch: &Epoch) -> String {
    let (path, result, of) = (run.path().display(), epoch.result, of(run));
    let values = [
        ("loss", Some(result.loss)),
        ("accuracy", Some(result.accuracy)),
        ("val_loss", result.val_loss),
        ("val_accuracy", result.val_accuracy),
    ];
    let values: Vec<(&str, f64)> = values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let mut line = format!("{path}: epoch {}{of}{}", result.epoch, spelled(&values));
    if let Some(seconds) = epoch.seconds {
        line += &format!(" - {seconds:.1} s");
    }
    let is_last = run.epochs.last() == Some(epoch);
    if let Some(left) = run.seconds_left().filter(|_| is_last) {
        line += &format!(" - {} left", clock(left));
    }
    line
}

fn end(run: &TrackedRun) -> String {
    let (path, epochs, of) = (run.path().display(), run.epochs.len(), of(run));
    if run.status == Status::Stopped {
        let again = quoted(run.path().as_os_str());
        return format!("{path}: stopped after epoch {epochs}{of}; go on with: gpu-fmnist train --resume {again}");
    }
    let test = run.test.map(|test| spelled(&[("test loss", test.loss), ("test accuracy", test.accuracy)]));
    let speed = run.samples_per_second().map(|speed| format!(" - {} images/s", thousands(speed.round())));
    format!("{path}: finished after epoch {epochs}{of}{}{}", test.unwrap_or_default(), speed.unwrap_or_default())
}

/// `/10`, where it is known.
fn of(run: &TrackedRun) -> String {
    run.number("epochs").map(|epochs| format!("/{epochs}")).unwrap_or_default()
}
