//! `steps.csv`, read on from where it was read to.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::train::{StepFile, StepResult};

/// The rows that were read, and where in the file the next one begins.
#[derive(Debug, Default)]
pub struct Tail {
    pub steps: Vec<StepResult>,
    read: u64,
}

/// At a time, so that a file of any size only takes the memory of its rows.
const PART: u64 = 1 << 20;

impl Tail {
    /// Reads whole rows that are new. A file that became shorter, or goes on with an earlier step, is of a run that was
    /// resumed, and is read again.
    pub fn refresh(&mut self, folder: &Path) {
        if self.read_on(folder).is_none() {
            *self = Self::default();
            // Rows before a damaged one are known.
            let _ = self.read_on(folder);
        }
    }

    /// None where the file is another than what was read of it.
    fn read_on(&mut self, folder: &Path) -> Option<()> {
        let Ok(mut file) = open(folder) else { return (self.read == 0).then_some(()) };
        if file.metadata().ok()?.len() < self.read {
            return None;
        }
        loop {
            let mut part = Vec::new();
            file.seek(SeekFrom::Start(self.read)).ok()?;
            file.by_ref().take(PART).read_to_end(&mut part).ok()?;
            let whole = part.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            if whole == 0 {
                return Some(());
            }
            for line in String::from_utf8_lossy(&part[..whole]).lines().filter(|line| !StepFile::is_header(line)) {
                let result = StepResult::parse(line)?;
                if self.steps.last().is_some_and(|last| last.step >= result.step) {
                    return None;
                }
                self.steps.push(result);
            }
            self.read += whole as u64;
        }
    }
}

/// Only a file: a pipe of that name would be waited for.
fn open(folder: &Path) -> io::Result<File> {
    let path = StepFile::path(folder);
    if path.metadata()?.is_file() { File::open(path) } else { Err(io::Error::other("not a file")) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn rows_are_read_as_they_come_and_again_after_a_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = StepFile::path(folder.path());
        let mut tail = Tail::default();
        let mut steps = || {
            tail.refresh(folder.path());
            tail.steps.iter().map(|result| (result.step, result.loss)).collect::<Vec<_>>()
        };
        assert_eq!(steps(), []);
        let text =
            "step,epoch,loss,accuracy,learning_rate,samples,time\n1,1,0.5,0.5,0.1,8,1.0\n2,1,0.25,0.5,0.1,8,2.0\n";
        for (length, known) in [(20, 0), (60, 0), (75, 1), (90, 1), (text.len(), 2)] {
            fs::write(&path, &text[..length]).unwrap();
            assert_eq!(steps().len(), known, "{length}");
        }
        // Resumed after the first step, and already further than before.
        let resumed = text.replace("2,1,0.25", "2,1,0.75") + "3,1,0.125,0.5,0.1,8,3.0\n";
        fs::write(&path, &resumed[..75]).unwrap();
        assert_eq!(steps(), [(1, 0.5)]);
        fs::write(&path, &resumed).unwrap();
        assert_eq!(steps(), [(1, 0.5), (2, 0.75), (3, 0.125)]);
        // What is no table of steps has none, and ends nothing.
        fs::write(&path, "9,".repeat(100_000) + "\n\u{0}\n").unwrap();
        assert_eq!(steps(), []);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(steps(), []);
    }
}
