//! The folder of a run: `config.toml`, `environment.json`, `metrics.csv`, `steps.csv`, `train.log` and `checkpoints/`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::run_lock::RunLock;
use crate::data::remove_temporary;
use crate::error::{Error, Result, remedy};
use crate::formats::{Checkpoint, read_text, write_own};
use crate::sniff::{self, Wanted};

/// Where a run's files are. Every one of them is written whole or not at all, but `steps.csv`, which
/// grows with the run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Of a run that this process writes.
    lock: Option<RunLock>,
}

impl RunFolder {
    /// Makes the folder `path`, which may exist if it is empty, and locks it.
    ///
    /// # Errors
    /// [`Error::Usage`] where it holds something, [`Error::Failed`] where it cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
        let mut entries = fs::read_dir(path).map_err(|error| unwritable(path, &error))?;
        if entries.next().is_some() {
            let path = path.display();
            return Err(Error::Usage(format!(
                "`run_dir` {path}: not empty; choose another folder, or go on with `resume` {path}"
            )));
        }
        Self::furnish(path.to_owned())
    }

    /// Makes `runs/NAME-N` with the next free number, and locks it.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be made.
    pub fn create_next(name: &str) -> Result<Self> {
        let runs = Path::new("runs");
        fs::create_dir_all(runs).map_err(|error| unwritable(runs, &error))?;
        let mut number = 1;
        loop {
            let path = runs.join(format!("{name}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Self::furnish(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(unwritable(&path, &error)),
            }
        }
    }

    fn furnish(path: PathBuf) -> Result<Self> {
        let checkpoints = path.join("checkpoints");
        let made = fs::create_dir(&checkpoints).map_err(|error| unwritable(&checkpoints, &error));
        match made.and_then(|()| locked(&path)) {
            Ok(lock) => Ok(Self { path, lock: Some(lock) }),
            Err(error) => {
                // Only what is empty: another process may have been quicker.
                drop(fs::remove_dir(&checkpoints).and_then(|()| fs::remove_dir(&path)));
                Err(error)
            }
        }
    }

    /// Makes the folder `path` where there is none, and locks it, whatever is in it.
    ///
    /// # Errors
    /// [`Error::Busy`] where another process has locked it, [`Error::Failed`] where it cannot be made.
    pub fn claim(path: &Path) -> Result<Self> {
        fs::create_dir_all(path.join("checkpoints")).map_err(|error| unwritable(path, &error))?;
        match RunLock::take(path)? {
            Ok(lock) => Ok(Self { path: path.to_owned(), lock: Some(lock) }),
            Err(holder) => Err(Error::Busy(busy(path, &holder))),
        }
    }

    /// The folder at `path`, if it is a run's.
    ///
    /// # Errors
    /// [`Error::Data`] saying what is there instead.
    pub fn find(path: &Path) -> Result<Self> {
        const REMEDY: &str = "give a folder that 'train' wrote";
        let fail = |problem: String| Err(Error::Data(format!("{}: {problem}", path.display())));
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fail("there is no such file or folder; check the path".into())
            }
            Ok(about) if !about.is_dir() => {
                fail(format!("a file, not the folder of a run; {REMEDY}, or a network's file with `init`"))
            }
            Ok(_) if !path.join("checkpoints").exists() => fail(sniff::folder(path).line(Wanted::Run, REMEDY)),
            _ => Ok(Self::open(path)),
        }
    }

    /// The folder of a run that was begun before.
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned(), lock: None }
    }

    /// Locks the folder for as long as this value lives: only one process at a time goes on with a run.
    ///
    /// # Errors
    /// [`Error::Failed`] where another process has locked it, or it cannot be written.
    pub fn lock(&mut self) -> Result<()> {
        self.lock = Some(locked(&self.path)?);
        Ok(())
    }

    /// Removes the folder of a run that could not be begun.
    pub fn discard(self) {
        drop(fs::remove_dir_all(&self.path));
    }

    /// Removes what a process that was killed while it wrote has left.
    pub fn clear(&self) {
        remove_temporary(&self.path);
        remove_temporary(&self.path.join("checkpoints"));
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the checkpoint `last` or `best`.
    pub fn checkpoint_path(&self, name: &str) -> PathBuf {
        self.path.join("checkpoints").join(format!("{name}.safetensors"))
    }

    /// Writes the checkpoint under each of the names.
    ///
    /// # Errors
    /// [`Error::Failed`] naming the file.
    pub fn save(&self, checkpoint: &Checkpoint, names: &[&str]) -> Result<()> {
        let bytes = checkpoint.encode()?;
        self.check()?;
        names.iter().try_for_each(|name| write_own(&self.checkpoint_path(name), &bytes))
    }

    /// Writes a text file of the run.
    ///
    /// # Errors
    /// [`Error::Failed`] naming the file.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        self.check()?;
        write_own(&self.path.join(name), text.as_bytes())
    }

    /// Refuses to write what another process has taken over.
    fn check(&self) -> Result<()> {
        self.lock.as_ref().map_or(Ok(()), RunLock::check)
    }

    /// A text file of the run; empty where there is none.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file, where it cannot be read or is too large.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.path.join(name);
        match read_text(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => {
                let problem = format!("{}: cannot be read ({error})", path.display());
                Err(Error::Data(format!("{problem}; move it away, or give the folder of another run")))
            }
            Ok(text) => Ok(text),
        }
    }
}

/// Locks a run's folder.
fn locked(path: &Path) -> Result<RunLock> {
    RunLock::take(path)?.map_err(|holder| Error::Failed(busy(path, &holder)))
}

fn busy(path: &Path, holder: &str) -> String {
    format!("{}: {holder} is writing this run; wait until it ends", path.display())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    let path = path.display();
    let remedy = remedy(error);
    Error::Failed(format!("{path}: the run's folder cannot be made ({error}); {remedy} with `run_dir`"))
}
