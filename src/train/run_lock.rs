//! One process at a time writes a run, on whichever host.
//!
//! On a disk of one's own, a lock of the file system says so, which ends with its process. Shared file systems may keep
//! locks to each host, or have none, and so other hosts are told by the lock's file: to make it anew is one step
//! everywhere, and while its process lives it changes every few seconds. One that no longer does is taken over as in
//! Fischer's algorithm (Lamport, "A fast mutual exclusion algorithm", 1987): by writing one's own name, and after a while
//! it must still be there.

use std::env;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use same_file::Handle;

use super::host::{Host, is_shared};
use crate::error::{Error, Result};

const NAME: &str = ".lock";
/// How often it is tried to take the lock, and the pause between: who looks whether there is one has it for an instant.
const TRIES: (usize, Duration) = (10, Duration::from_millis(5));

/// How often a holder that other hosts may watch gives a sign of life, and how long one lasts.
#[derive(Clone, Copy)]
struct Times {
    beat: Duration,
    patience: Duration,
}

const TIMES: Times = Times { beat: Duration::from_secs(5), patience: Duration::from_secs(30) };

/// A lock on a run's folder. It ends with its process, however that ends; its file says whose it is.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    claim: Claim,
    _file: File,
    /// Where other hosts may see it.
    beats: Option<Beats>,
}

/// Whose a lock is: the lines of its file, but for the last, which counts signs of life.
#[derive(Clone, Debug, PartialEq)]
struct Claim {
    /// `process 1234 (gpu-fmnist train)`
    process: String,
    host: String,
    /// Of the host's system, and of this claim.
    system: String,
    began: String,
}

impl Claim {
    fn own() -> Self {
        let words = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
        let words = words.replace(char::is_control, " ");
        let Host { name, system } = Host::own();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        Self { process: format!("process {} ({words})", process::id()), host: name, system, began: now.to_string() }
    }

    /// What a lock's file says: whose it is, and all of it. None of an empty one, or where it is locked for reading, too.
    fn read(path: &Path) -> (Option<Self>, String) {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(1 << 14).read_to_string(&mut text));
        let mut lines = text.lines().map(str::to_owned);
        let process = lines.next().filter(|_| read.is_ok());
        let mut line = || lines.next().unwrap_or_default();
        let claim = process.map(|process| Self { process, host: line(), system: line(), began: line() });
        (claim, text)
    }

    fn write(&self, mut file: &File, beat: u64) -> io::Result<()> {
        let Self { process, host, system, began } = self;
        io::Seek::rewind(&mut file)?;
        let text = format!("{process}\n{host}\n{system}\n{began}\n{beat}\n");
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        file.sync_data()
    }

    /// Whether it is of a system that is not this one. Older ones say nothing of it.
    fn is_foreign(&self) -> bool {
        !self.system.is_empty() && self.system != Host::own().system
    }

    fn says(claim: Option<&Self>) -> String {
        match claim {
            Some(claim) if claim.is_foreign() => format!("{} on {}", claim.process, claim.host),
            Some(claim) => claim.process.clone(),
            None => "another process".into(),
        }
    }
}

impl RunLock {
    /// Takes the lock; or says who has it.
    ///
    /// # Errors
    /// [`Error::Failed`] where its file cannot be made.
    pub fn take(folder: &Path) -> Result<std::result::Result<Self, String>> {
        Self::taken(folder, is_shared(folder), File::try_lock, TIMES).map_err(|error| {
            let path = folder.join(NAME);
            Error::Failed(format!("{}: cannot be written ({error}); check the folder's permissions", path.display()))
        })
    }

    /// The same, on a shared file system or on one that only this host has, by its locks.
    fn taken(
        folder: &Path,
        shared: bool,
        lock: fn(&File) -> std::result::Result<(), TryLockError>,
        times: Times,
    ) -> io::Result<std::result::Result<Self, String>> {
        let path = folder.join(NAME);
        let mut tries = TRIES.0;
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true);
            let made = options.clone().create_new(true).open(&path);
            let (file, new) = match made {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match options.open(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    file => (file?, false),
                },
                file => (file?, true),
            };
            let locks = match lock(&file) {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) if tries > 1 => {
                    tries -= 1;
                    thread::sleep(TRIES.1);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Ok(Err(Claim::says(Claim::read(&path).0.as_ref()))),
                Err(TryLockError::Error(_)) => false,
            };
            // Whoever had the lock until now has removed its file.
            if !is_at(&file, &path)? {
                continue;
            }
            let (before, text) = Claim::read(&path);
            let seen = shared || !locks || before.as_ref().is_some_and(Claim::is_foreign);
            if seen && !new && is_alive(&path, &text, times) {
                return Ok(Err(Claim::says(Claim::read(&path).0.as_ref())));
            }
            let claim = Claim::own();
            claim.write(&file, 0)?;
            if seen && !new {
                thread::sleep(times.beat);
                let (now, _) = Claim::read(&path);
                if now.as_ref() != Some(&claim) {
                    return Ok(Err(Claim::says(now.as_ref())));
                }
            }
            let beats = if seen { Some(Beats::start(&claim, &path, &file, times.beat)?) } else { None };
            return Ok(Ok(Self { path, claim, _file: file, beats }));
        }
    }

    /// Whether a process, of whichever host, is writing the run in `folder`. It is asked without writing anything there.
    pub fn is_held(folder: &Path) -> bool {
        let path = folder.join(NAME);
        let is_locked = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        let is_seen = || is_shared(folder) || Claim::read(&path).0.is_some_and(|claim| claim.is_foreign());
        let beaten = || path.metadata().and_then(|about| about.modified());
        let lives = || beaten().is_ok_and(|beat| beat.elapsed().map_or(true, |since| since < TIMES.patience));
        File::open(&path).is_ok_and(is_locked) || is_seen() && lives()
    }

    /// Whether no other process has taken it over, as those may that saw no sign of life for too long.
    ///
    /// # Errors
    /// [`Error::Failed`] naming the other process.
    pub fn check(&self) -> Result<()> {
        if self.beats.is_none() {
            return Ok(());
        }
        match Claim::read(&self.path).0 {
            Some(claim) if claim == self.claim => Ok(()),
            other => {
                let (path, other) = (self.path.display(), Claim::says(other.as_ref()));
                Err(Error::Failed(format!("{path}: {other} has taken this run over; leave it to that")))
            }
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        let is_ours = self.check().is_ok();
        drop(self.beats.take());
        if is_ours {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether a lock's file that has this text is written, or goes, while one is patient.
fn is_alive(path: &Path, text: &str, Times { beat, patience }: Times) -> bool {
    let began = Instant::now();
    while began.elapsed() < patience {
        thread::sleep(beat / 5);
        if Claim::read(path).1 != text {
            return true;
        }
    }
    false
}

/// Signs of life, until it is dropped.
#[derive(Debug)]
struct Beats {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beats {
    fn start(claim: &Claim, path: &Path, file: &File, beat: Duration) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let (claim, path, file) = (claim.clone(), path.to_owned(), file.try_clone()?);
        let mut beats = 0;
        let beating = move || {
            while stopped.recv_timeout(beat) == Err(RecvTimeoutError::Timeout) {
                // What another process has taken over is no longer ours to write.
                if Claim::read(&path).0.as_ref() != Some(&claim) {
                    break;
                }
                beats += 1;
                drop(claim.write(&file, beats));
            }
        };
        let thread = thread::Builder::new().name("lock".into()).spawn(beating)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match Handle::from_path(path) {
        Ok(there) => Ok(there == Handle::from_file(file.try_clone()?)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Times = Times { beat: Duration::from_millis(200), patience: Duration::from_secs(1) };

    fn no_locks(_: &File) -> std::result::Result<(), TryLockError> {
        Err(TryLockError::Error(io::ErrorKind::Unsupported.into()))
    }

    /// As another host sees it, whose locks are its own.
    fn shared(folder: &Path) -> std::result::Result<RunLock, String> {
        RunLock::taken(folder, true, no_locks, FAST).unwrap()
    }

    fn foreign() -> Claim {
        Claim { host: "node7".into(), system: "another".into(), began: "1".into(), ..Claim::own() }
    }

    #[test]
    fn a_run_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let lock = RunLock::take(folder.path()).unwrap().unwrap();
        let holder = RunLock::take(folder.path()).unwrap().unwrap_err();
        let process = format!("process {} (", process::id());
        assert!(holder.contains(&process) || cfg!(windows), "{holder}");
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(!RunLock::is_held(folder.path()));
        // What a killed process left.
        fs::write(folder.path().join(NAME), "process 1 (gpu-fmnist train --run-dir a-very-long-name)").unwrap();
        assert!(!RunLock::is_held(folder.path()), "its process has ended");
        let lock = RunLock::take(folder.path()).unwrap();
        assert!(RunLock::is_held(folder.path()));
        let holder = RunLock::take(folder.path()).unwrap().unwrap_err();
        assert!(lock.is_ok() && !holder.contains("a-very-long-name"), "{holder}");
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
        assert!(RunLock::take(folder.path()).unwrap().is_ok());
        instant.join().unwrap();
    }

    #[test]
    fn another_host_is_seen_by_its_signs_of_life() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join(NAME)).unwrap();
        foreign().write(&file, 0).unwrap();
        assert!(RunLock::is_held(folder.path()));
        file.set_modified(SystemTime::now() - 2 * TIMES.patience).unwrap();
        assert!(!RunLock::is_held(folder.path()));
    }

    #[test]
    fn another_host_that_gives_signs_of_life_keeps_its_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let file = File::create(&path).unwrap();
        foreign().write(&file, 0).unwrap();
        let beats = Beats::start(&foreign(), &path, &file, FAST.beat).unwrap();
        let holder = RunLock::taken(folder.path(), false, File::try_lock, FAST).unwrap().unwrap_err();
        assert!(holder.contains("process ") && holder.ends_with(" on node7"), "{holder}");
        // Killed.
        drop(beats);
        let began = Instant::now();
        let lock = RunLock::taken(folder.path(), false, File::try_lock, FAST).unwrap().unwrap();
        assert!(began.elapsed() >= FAST.patience + FAST.beat);
        lock.check().unwrap();
    }

    #[test]
    fn where_there_are_no_locks_the_file_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let began = Instant::now();
        let lock = shared(folder.path()).unwrap();
        assert!(began.elapsed() < FAST.patience, "a new file is waited for by nobody");
        shared(folder.path()).unwrap_err();
        lock.check().unwrap();
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(shared(folder.path()).unwrap());
    }

    #[test]
    fn of_many_hosts_one_takes_a_run_over() {
        for left in [None, Some(foreign())] {
            let folder = tempfile::tempdir().unwrap();
            if let Some(claim) = left {
                claim.write(&File::create(folder.path().join(NAME)).unwrap(), 3).unwrap();
            }
            let hosts = (0..8).map(|_| {
                let folder = folder.path().to_owned();
                thread::spawn(move || shared(&folder))
            });
            let hosts: Vec<_> = hosts.collect();
            let locks: Vec<RunLock> = hosts.into_iter().filter_map(|host| host.join().unwrap().ok()).collect();
            // Who was held up for too long learns of it at once.
            assert_eq!(locks.iter().filter(|lock| lock.check().is_ok()).count(), 1);
        }
    }

    #[test]
    fn who_was_silent_for_too_long_learns_of_it_and_leaves_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let lock = shared(folder.path()).unwrap();
        let path = folder.path().join(NAME);
        foreign().write(&File::options().write(true).open(&path).unwrap(), 0).unwrap();
        let error = lock.check().unwrap_err().to_string();
        assert!(error.contains("on node7 has taken this run over"), "{error}");
        drop(lock);
        assert_eq!(Claim::read(&path).0, Some(foreign()));
    }
}
