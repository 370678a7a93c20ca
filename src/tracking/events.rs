//! A run's event file for TensorBoard. What is in it follows from the run's other files, so that it can be made at any time,
//! and a resumed run goes on with it where its checkpoint does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Epoch, Status, Test, TrackedRun, parameters, scalars};
use crate::error::{Error, Result, remedy};
use crate::formats::tensorboard::{self, Recorded, SESSION_END_TAG};
use crate::formats::write_own;
use crate::train::{StepResult, now};

/// TensorBoard knows its files by the word in the middle.
const NAME: &str = "events.out.tfevents.gpu-fmnist";
const EPOCH: &str = "epoch/";
const STEP: &str = "step/";
const TEST: &str = "test/";

/// The event file of a run that is going on.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Where a folder has it.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// The file of a run that is gone on with after so many epochs, whose other files are those of its checkpoint. Where
    /// there is one, what it says of later steps, epochs and of the end is cut off: TensorBoard, if it is looking, goes on
    /// reading. One that lacks something, and a first one, is made of what the run's folder has.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be written.
    pub fn open(folder: &Path, epochs: usize) -> Result<Self> {
        let (path, run) = (Self::path(folder), TrackedRun::open(folder));
        let unwritable = |error| unwritable(&path, &error);
        // A file only: a pipe would be waited for.
        let present = if path.is_file() { fs::read(&path).map_err(unwritable)? } else { Vec::new() };
        let steps = run.steps().last().map_or(0, |step| step.step);
        let kept = kept(&present, steps, epochs);
        if kept.is_none() {
            write_own(&path, &events(&run, false))?;
        }
        let mut file = OpenOptions::new().write(true).open(&path).map_err(unwritable)?;
        let cut = kept.map_or(Ok(()), |kept| file.set_len(kept as u64));
        cut.and_then(|()| file.seek(SeekFrom::End(0))).map_err(unwritable)?;
        Ok(Self { path, file })
    }

    /// Adds steps.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be written.
    pub fn steps(&mut self, steps: &[StepResult]) -> Result<()> {
        self.append(&steps.iter().flat_map(step).collect::<Vec<u8>>())
    }

    /// Adds an epoch.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be written.
    pub fn epoch(&mut self, finished: &Epoch) -> Result<()> {
        self.append(&epoch(finished))
    }

    /// Adds the test, and that the run has ended.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be written.
    pub fn end(&mut self, epochs: usize, tested: &Test) -> Result<()> {
        let time = now();
        self.append(&[test(time, epochs, tested), tensorboard::session_end(time, true)].concat())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| unwritable(&self.path, &error))
    }
}

/// The whole file of a run; with its end where it is no longer going on.
pub fn events(run: &TrackedRun, with_end: bool) -> Vec<u8> {
    let began = run.steps().first().map(|step| step.time);
    let began = began.or_else(|| run.epochs.first().map(|epoch| epoch.time)).unwrap_or_else(now);
    let mut bytes =
        [tensorboard::beginning(began), tensorboard::session_start(began, &parameters(&run.config))].concat();
    let mut steps = run.steps().iter().peekable();
    for finished in &run.epochs {
        while let Some(result) = steps.next_if(|step| step.epoch <= finished.result.epoch) {
            bytes.extend(step(result));
        }
        bytes.extend(epoch(finished));
    }
    bytes.extend(steps.flat_map(step));
    if with_end && run.status != Status::Running {
        let time = run.epochs.last().map_or(began, |epoch| epoch.time);
        bytes.extend(run.test.iter().flat_map(|tested| test(time, run.epochs.len(), tested)));
        bytes.extend(tensorboard::session_end(time, run.status == Status::Finished));
    }
    bytes
}

fn tagged(group: &str, values: &[(&str, f64)]) -> Vec<(String, f64)> {
    values.iter().map(|(name, value)| (format!("{group}{name}"), *value)).collect()
}

fn step(result: &StepResult) -> Vec<u8> {
    tensorboard::scalars(result.time, result.step.into(), &tagged(STEP, &scalars::of_step(result)))
}

fn epoch(finished: &Epoch) -> Vec<u8> {
    tensorboard::scalars(finished.time, finished.result.epoch as u64, &tagged(EPOCH, &scalars::of_epoch(finished)))
}

fn test(time: f64, epochs: usize, tested: &Test) -> Vec<u8> {
    tensorboard::scalars(time, epochs as u64, &tagged(TEST, &scalars::of_test(tested)))
}

/// How many bytes of a file are of the run up to there; none where it has not all of them.
fn kept(file: &[u8], steps: u32, epochs: usize) -> Option<usize> {
    let (mut kept, mut last) = (0, [0, 0]);
    for Recorded { tag, step, end } in tensorboard::records(file) {
        match tag.as_str() {
            tag if tag.starts_with(STEP) && step <= steps.into() => last[0] = step,
            tag if tag.starts_with(EPOCH) && step <= epochs as u64 => last[1] = step,
            tag if tag.starts_with(STEP) || tag.starts_with(EPOCH) => break,
            tag if tag.starts_with(TEST) || tag == SESSION_END_TAG => break,
            _ => {}
        }
        kept = end;
    }
    (kept > 0 && last == [u64::from(steps), epochs as u64]).then_some(kept)
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("{}: cannot be written ({error}); {}", path.display(), remedy(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &str = "step,epoch,loss,accuracy,learning_rate,samples,time\n";
    const EPOCHS: &str = "epoch,loss,accuracy,learning_rate,training_flop,seconds\n";

    /// A folder with two steps an epoch.
    fn folder(epochs: u32, steps: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let step = |step: u32| format!("{step},{},0.{step},0.5,0.001,8,{step}.000\n", step.div_ceil(2));
        let epoch = |epoch: u32| format!("{epoch},0.{epoch},0.5,0.001,7,2.000\n");
        fs::write(folder.path().join("config.toml"), "epochs = 9\nseed = 7\n").unwrap();
        fs::write(folder.path().join("steps.csv"), STEPS.to_owned() + &(1..=steps).map(step).collect::<String>())
            .unwrap();
        fs::write(folder.path().join("metrics.csv"), EPOCHS.to_owned() + &(1..=epochs).map(epoch).collect::<String>())
            .unwrap();
        folder
    }

    fn said(file: &[u8]) -> Vec<(String, u64)> {
        tensorboard::records(file).map(|record| (record.tag, record.step)).skip(2).collect()
    }

    fn expected(epochs: u32, steps: u32) -> Vec<(String, u64)> {
        let step = |step: u32| ("step/loss".to_owned(), u64::from(step));
        let mut all: Vec<_> = (1..=epochs)
            .flat_map(|epoch| [step(2 * epoch - 1), step(2 * epoch), ("epoch/loss".to_owned(), u64::from(epoch))])
            .collect();
        all.extend((2 * epochs + 1..=steps).map(step));
        all
    }

    #[test]
    fn steps_and_epochs_come_in_their_order() {
        let folder = folder(2, 5);
        let run = TrackedRun::open(folder.path());
        assert_eq!(said(&events(&run, false)), expected(2, 5));
        assert_eq!(said(&events(&run, true)).last().unwrap().0, SESSION_END_TAG);
    }

    #[test]
    fn a_resumed_file_goes_on_where_the_checkpoint_does() {
        let resumed = folder(2, 5);
        let path = EventFile::path(resumed.path());
        let further = events(&TrackedRun::open(folder(4, 8).path()), true);
        let behind = events(&TrackedRun::open(folder(1, 3).path()), false);
        for present in [&further[..], &further[..further.len() - 9], &behind, &[]] {
            fs::write(&path, present).unwrap();
            let mut file = EventFile::open(resumed.path(), 2).unwrap();
            file.steps(&[StepResult::parse("6,3,0.5,0.5,0.001,8,6.0").unwrap()]).unwrap();
            let whole = fs::read(&path).unwrap();
            assert_eq!(said(&whole), expected(2, 6));
        }
    }
}
