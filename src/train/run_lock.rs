//! One process at a time writes a run.

use std::env;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use same_file::Handle;

use crate::error::{Error, Result};

const NAME: &str = ".lock";
/// How often it is tried to take the lock, and the pause between: who looks whether there is one has it for an instant.
const TRIES: (usize, Duration) = (10, Duration::from_millis(5));

/// A lock on a run's folder. It ends with its process, however that ends; its file says whose it is.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    _file: File,
}

impl RunLock {
    /// Takes the lock; none where the file system has no locks.
    ///
    /// # Errors
    /// [`Error::Failed`] where another process has it, or its file cannot be made.
    pub fn take(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(NAME);
        let unusable = |error: io::Error| {
            Error::Failed(format!("{}: cannot be written ({error}); check the folder's permissions", path.display()))
        };
        let mut tries = TRIES.0;
        loop {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if tries > 1 => {
                    tries -= 1;
                    thread::sleep(TRIES.1);
                    continue;
                }
                Err(TryLockError::WouldBlock) => {
                    let (folder, holder) = (folder.display(), holder(&file));
                    return Err(Error::Failed(format!("{folder}: {holder} is writing this run; wait until it ends")));
                }
                Err(TryLockError::Error(_)) => {
                    drop(fs::remove_file(&path));
                    return Ok(None);
                }
            }
            // Whoever had the lock until now has removed its file.
            if !is_at(&file, &path).map_err(unusable)? {
                continue;
            }
            let words = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
            let said = file.set_len(0).and_then(|()| write!(file, "process {} ({words})", process::id()));
            said.map_err(unusable)?;
            return Ok(Some(Self { path, _file: file }));
        }
    }
}

impl RunLock {
    /// Whether a process, of whichever host, is writing the run in `folder`. It is asked without writing anything there.
    pub fn is_held(folder: &Path) -> bool {
        let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        File::open(folder.join(NAME)).is_ok_and(held)
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match Handle::from_path(path) {
        Ok(there) => Ok(there == Handle::from_file(file.try_clone()?)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// `process 1234 (gpu-fmnist train)`, as its lock's file says.
fn holder(file: &File) -> String {
    let mut text = String::new();
    match file.take(1 << 12).read_to_string(&mut text) {
        Ok(length) if length > 0 => text,
        // Locked for reading, too, or not written yet.
        _ => "another process".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let lock = RunLock::take(folder.path()).unwrap().unwrap();
        let error = RunLock::take(folder.path()).unwrap_err().to_string();
        let process = format!("process {} (", process::id());
        assert!(error.contains(&process) || cfg!(windows), "{error}");
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(!RunLock::is_held(folder.path()));
        // What a killed process left.
        fs::write(folder.path().join(NAME), "process 1 (gpu-fmnist train --run-dir a-very-long-name)").unwrap();
        assert!(!RunLock::is_held(folder.path()), "its process has ended");
        let lock = RunLock::take(folder.path()).unwrap();
        assert!(RunLock::is_held(folder.path()));
        let error = RunLock::take(folder.path()).unwrap_err().to_string();
        assert!(lock.is_some() && !error.contains("a-very-long-name"), "{error}");
    }

    #[test]
    fn who_only_looks_stops_no_writer() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "process 1 (gpu-fmnist train)").unwrap();
        let looked = File::open(folder.path().join(NAME)).unwrap();
        looked.try_lock_shared().unwrap();
        let instant = thread::spawn(move || {
            thread::sleep(TRIES.1);
            drop(looked);
        });
        assert!(RunLock::take(folder.path()).unwrap().is_some());
        instant.join().unwrap();
    }
}
