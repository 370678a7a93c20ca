//! `steps.csv`: what each training step came to, a row a step, written while the run goes on.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result, remedy};

/// One step's figures, of its batch alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Counted from 1 through all epochs.
    pub step: u32,
    /// Of the epoch that it is a part of, from 1.
    pub epoch: usize,
    /// Mean of the batch.
    pub loss: f64,
    pub accuracy: f64,
    pub learning_rate: f64,
    /// In the batch: the last one of an epoch may be smaller.
    pub samples: usize,
    /// When it was known, in seconds since 1970; those of a submission come at once.
    pub time: f64,
}

/// The file of a run that is going on.
#[derive(Debug)]
pub struct StepFile {
    path: PathBuf,
    file: File,
}

const NAME: &str = "steps.csv";
const HEADER: &str = "step,epoch,loss,accuracy,learning_rate,samples,time\n";
/// No row is longer.
const LONGEST_ROW: u64 = 1 << 10;

impl StepResult {
    /// A row without its end of line; none where it is not whole.
    pub fn parse(row: &str) -> Option<Self> {
        let cells: Vec<&str> = row.split(',').collect();
        let [step, epoch, loss, accuracy, learning_rate, samples, time] = cells.try_into().ok()?;
        let number = |cell: &str| cell.parse().ok().filter(|value: &f64| value.is_finite());
        Some(Self {
            step: step.parse().ok().filter(|&step| step > 0)?,
            epoch: epoch.parse().ok().filter(|&epoch| epoch > 0)?,
            loss: number(loss)?,
            accuracy: number(accuracy)?,
            learning_rate: number(learning_rate)?,
            samples: samples.parse().ok()?,
            time: number(time)?,
        })
    }

    fn row(&self) -> String {
        let Self { step, epoch, loss, accuracy, learning_rate, samples, time } = self;
        format!("{step},{epoch},{loss},{accuracy},{learning_rate},{samples},{time:.3}\n")
    }
}

impl StepFile {
    /// Where a run's folder has it.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Whether a line, without its end, is the first one of such a file.
    pub fn is_header(line: &str) -> bool {
        line == HEADER.trim_end()
    }

    /// The file of a run that has done so many steps: rows of later ones, which a process left that saved no checkpoint
    /// after them, are cut off.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be written.
    pub fn open(folder: &Path, steps: u32) -> Result<Self> {
        let path = Self::path(folder);
        let unwritable = |error| unwritable(&path, &error);
        if path.metadata().is_ok_and(|about| !about.is_file()) {
            return Err(Error::Failed(format!("{}: cannot be written (not a file); move it away", path.display())));
        }
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(unwritable)?;
        let kept = kept(&file, steps).map_err(unwritable)?;
        let cut = file.set_len(kept).and_then(|()| file.seek(SeekFrom::End(0)));
        let begun = cut.and_then(|_| if kept == 0 { file.write_all(HEADER.as_bytes()) } else { Ok(()) });
        begun.map_err(unwritable)?;
        Ok(Self { path, file })
    }

    /// Adds rows. Whoever reads meanwhile may see a part of the last one.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be written.
    pub fn append(&mut self, results: &[StepResult]) -> Result<()> {
        let rows: String = results.iter().map(StepResult::row).collect();
        self.file.write_all(rows.as_bytes()).map_err(|error| unwritable(&self.path, &error))
    }
}

/// Now, in seconds since 1970.
pub fn now() -> f64 {
    seconds(SystemTime::now())
}

/// In seconds since 1970.
pub fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The bytes of the header and of the whole rows of so many steps at most.
fn kept(file: &File, steps: u32) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let (mut kept, mut line) = (0, Vec::new());
    loop {
        line.clear();
        reader.by_ref().take(LONGEST_ROW).read_until(b'\n', &mut line)?;
        let text = str::from_utf8(&line).ok().and_then(|line| line.strip_suffix('\n'));
        let is_kept = text.is_some_and(|text| match kept {
            0 => StepFile::is_header(text),
            _ => StepResult::parse(text).is_some_and(|result| result.step <= steps),
        });
        if !is_kept {
            return Ok(kept);
        }
        kept += line.len() as u64;
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("{}: cannot be written ({error}); {}", path.display(), remedy(error)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn result(step: u32) -> StepResult {
        let (loss, accuracy, learning_rate, time) = (0.1 + f64::from(step), 0.25, 1e-3, 1.5);
        StepResult { step, epoch: 1, loss, accuracy, learning_rate, samples: 32, time }
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        assert_eq!(StepResult::parse(result(7).row().trim_end()), Some(result(7)));
        for row in
            ["", "7,1,0.5,0.25,0.001,32", "7,1,0.5,0.25,0.001,32,1.5,2", "7,1,NaN,0.25,0.001,32,1.5", "0,1,1,1,1,1,1"]
        {
            assert_eq!(StepResult::parse(row), None, "{row}");
        }
    }

    #[test]
    fn a_resumed_file_ends_where_the_checkpoint_does() {
        let folder = tempfile::tempdir().unwrap();
        let text = || fs::read_to_string(StepFile::path(folder.path())).unwrap();
        let mut file = StepFile::open(folder.path(), 0).unwrap();
        file.append(&[1, 2, 3].map(result)).unwrap();
        let whole = text();
        assert_eq!(whole, format!("{HEADER}{}", [1, 2, 3].map(|step| result(step).row()).concat()));
        for damage in ["", "4,1,0.5", "4,1,0.5,x\n5,1,0.5,0.25,0.001,32,1.5\n", "\n", "4,1,0.5,0.25,0.001,32,1.5\n"] {
            fs::write(StepFile::path(folder.path()), format!("{whole}{damage}")).unwrap();
            let mut file = StepFile::open(folder.path(), 2).unwrap();
            file.append(&[result(3)]).unwrap();
            assert_eq!(text(), whole, "{damage}");
        }
        fs::write(StepFile::path(folder.path()), "9,".repeat(100_000)).unwrap();
        StepFile::open(folder.path(), 9).unwrap();
        assert_eq!(text(), HEADER);
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(StepFile::path(folder.path())).unwrap();
        let error = StepFile::open(folder.path(), 0).unwrap_err().to_string();
        assert!(error.contains("steps.csv: cannot be written (not a file); move it away"), "{error}");
    }
}
