//! A run as its folder has it at the moment: of one that is going on, that has ended, or that was stopped. Nothing is written
//! there, and a run that is going on does not notice.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use toml::Table;

use super::tail::Tail;
use crate::train::{Environment, EpochResult, RunFolder, RunLock, StepResult, epochs_so_far, seconds};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A process has it.
    Running,
    /// All its epochs are trained, or early stopping ended it.
    Finished,
    /// Its process has ended before that; `train --resume` goes on with it.
    Stopped,
}

/// A finished epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    pub result: EpochResult,
    /// That it took, where they are known.
    pub seconds: Option<f64>,
    /// When it ended, in seconds since 1970.
    pub time: f64,
}

/// What the test at a run's end came to, to as many digits as were said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    pub loss: f64,
    pub accuracy: f64,
}

/// A run and what is known of it. A file that is missing or damaged leaves its part empty: it may be on its way.
#[derive(Debug)]
pub struct TrackedRun {
    folder: RunFolder,
    pub status: Status,
    pub config: Table,
    pub environment: Option<Environment>,
    pub epochs: Vec<Epoch>,
    pub test: Option<Test>,
    /// Why the epochs are not known, where their file is damaged.
    pub problem: Option<String>,
    tail: Tail,
    /// Of `config.toml`, `environment.json`, `metrics.csv` and `train.log`, when they were read.
    stamps: [Stamp; 4],
}

/// What tells whether a file is another than it was: its length and when it was written.
type Stamp = Option<(u64, SystemTime)>;

impl TrackedRun {
    /// The run in a folder, as it is now.
    pub fn open(path: &Path) -> Self {
        let mut run = Self {
            folder: RunFolder::open(path),
            status: Status::Stopped,
            config: Table::new(),
            environment: None,
            epochs: Vec::new(),
            test: None,
            problem: None,
            tail: Tail::default(),
            stamps: [None; 4],
        };
        run.refresh();
        run
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its folder's name.
    pub fn name(&self) -> String {
        let path = self.path();
        let whole = if path.file_name().is_some() { path.to_owned() } else { path.canonicalize().unwrap_or_default() };
        whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
    }

    /// What tells it from all other runs: an identity that it was given, or where its folder is.
    pub fn id(&self) -> String {
        let given = self.environment.as_ref().map(|environment| environment.id.clone()).filter(|id| !id.is_empty());
        given.unwrap_or_else(|| {
            let path: PathBuf = self.path().canonicalize().unwrap_or_else(|_| self.path().to_owned());
            path.to_string_lossy().into_owned()
        })
    }

    /// The steps that are known; none of runs that are older than `steps.csv`.
    pub fn steps(&self) -> &[StepResult] {
        &self.tail.steps
    }

    /// A number of the configuration.
    pub fn number(&self, key: &str) -> Option<usize> {
        self.config.get(key)?.as_integer()?.try_into().ok()
    }

    /// The network's name.
    pub fn model(&self) -> &str {
        self.config.get("model").and_then(|model| model.get("name")?.as_str()).unwrap_or("?")
    }

    /// Looks again.
    pub fn refresh(&mut self) {
        // First: what a process wrote before its end is then read.
        let held = RunLock::is_held(self.path());
        if let Some(text) = self.changed(0, "config.toml") {
            self.config = text.parse().unwrap_or_default();
        }
        if self.changed(1, "environment.json").is_some() {
            self.environment = Environment::read(&self.folder).ok();
        }
        let metrics = self.changed(2, "metrics.csv");
        self.tail.refresh(self.folder.path());
        if let Some(text) = metrics {
            self.read_epochs(&text);
        }
        if let Some(log) = self.changed(3, "train.log") {
            self.test = log.lines().last().and_then(test);
        }
        let trained = self.number("epochs").is_some_and(|epochs| self.epochs.len() >= epochs);
        self.status = match held {
            true => Status::Running,
            false if trained || self.test.is_some() => Status::Finished,
            false => Status::Stopped,
        };
    }

    fn read_epochs(&mut self, text: &str) {
        let (rows, problem) = match epochs_so_far(text) {
            Ok(rows) => (rows, None),
            Err(problem) => (Vec::new(), Some(format!("{}: {problem}", self.path().join("metrics.csv").display()))),
        };
        let steps = self.steps();
        // Where no step tells when an epoch ended, the file's own time does, and the epochs' seconds.
        let mut time = self.stamps[2].map_or(0.0, |(_, written)| seconds(written));
        let mut epochs: Vec<Epoch> = Vec::new();
        for (result, seconds) in rows.into_iter().rev() {
            let last = steps.partition_point(|step| step.epoch <= result.epoch);
            time = last
                .checked_sub(1)
                .map(|last| steps[last])
                .filter(|step| step.epoch == result.epoch)
                .map_or(time, |step| step.time);
            epochs.push(Epoch { result, seconds, time });
            time -= seconds.unwrap_or_default();
        }
        epochs.reverse();
        (self.epochs, self.problem) = (epochs, problem);
    }

    /// The text of a file that is another than when it was last read.
    fn changed(&mut self, place: usize, name: &str) -> Option<String> {
        let about = self.path().join(name).metadata().ok().filter(|about| about.is_file());
        let stamp = about.and_then(|about| Some((about.len(), about.modified().ok()?)));
        if stamp == self.stamps[place] {
            return None;
        }
        self.stamps[place] = stamp;
        Some(self.folder.read(name).unwrap_or_default())
    }
}

/// What `test loss: 0.2836 - test accuracy: 0.9013` says.
fn test(line: &str) -> Option<Test> {
    let (loss, accuracy) = line.strip_prefix("test loss: ")?.split_once(" - test accuracy: ")?;
    Some(Test { loss: loss.parse().ok()?, accuracy: accuracy.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const METRICS: &str = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,training_flop,seconds\n\
                           1,0.5,0.75,0.625,0.5,0.001,7,2.000\n2,0.25,0.875,0.5,0.625,0.001,14,4.000\n";

    #[test]
    fn a_run_is_what_its_folder_has() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let mut run = TrackedRun::open(folder.path());
        assert_eq!((run.status, run.model(), run.epochs.len()), (Status::Stopped, "?", 0));
        write("config.toml", "epochs = 3\n[model]\nname = 'tiny'\n");
        write("metrics.csv", &METRICS[..METRICS.len() - 3]);
        let lock = RunLock::take(folder.path()).unwrap();
        run.refresh();
        assert_eq!((run.status, run.model(), run.epochs.len()), (Status::Running, "tiny", 1));
        write("metrics.csv", METRICS);
        write(
            "steps.csv",
            "step,epoch,loss,accuracy,learning_rate,samples,time\n1,1,0.5,0.5,0.1,8,10.0\n2,2,0.5,0.5,0.1,8,15.5\n",
        );
        run.refresh();
        let ended: Vec<_> = run.epochs.iter().map(|epoch| (epoch.result.epoch, epoch.seconds, epoch.time)).collect();
        assert_eq!(ended, [(1, Some(2.0), 10.0), (2, Some(4.0), 15.5)]);
        drop(lock);
        run.refresh();
        assert_eq!((run.status, run.steps().len()), (Status::Stopped, 2));
        // Ended early.
        write("train.log", "Epoch 2: early stopping\ntest loss: 0.5000 - test accuracy: 0.6250\n");
        run.refresh();
        assert_eq!((run.status, run.test), (Status::Finished, Some(Test { loss: 0.5, accuracy: 0.625 })));
        write("metrics.csv", "\u{0}\n1,2\n");
        run.refresh();
        assert!(run.epochs.is_empty() && run.problem.as_ref().unwrap().contains("metrics.csv: not a table of epochs"));
    }
}
