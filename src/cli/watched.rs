//! The runs that `watch` watches.

use std::mem;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::tracking::{TrackedRun, runs_in};
use crate::train::RunFolder;

/// Runs that are looked at again and again.
pub struct Watched<'a> {
    paths: &'a [PathBuf],
    pub runs: Vec<TrackedRun>,
}

impl<'a> Watched<'a> {
    /// The runs in these folders, as they are now.
    pub fn new(paths: &'a [PathBuf]) -> Self {
        let mut watched = Self { paths, runs: Vec::new() };
        watched.look();
        watched
    }

    /// Looks again: for new runs, and at those that are known. One that is gone is known no longer.
    pub fn look(&mut self) {
        let mut known = mem::take(&mut self.runs);
        let mut paths: Vec<PathBuf> = Vec::new();
        for path in self.paths.iter().flat_map(|path| runs_in(path)) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        let run = |path: &PathBuf| match known.iter().position(|run| run.path() == path) {
            Some(place) => {
                let mut run = known.swap_remove(place);
                run.refresh();
                run
            }
            None => TrackedRun::open(path),
        };
        self.runs = paths.iter().map(run).collect();
    }

    /// Refuses what has no run in it.
    ///
    /// # Errors
    /// [`Error::Data`] saying what is there instead.
    pub fn check(&self) -> Result<()> {
        let has_run = |path: &Path| self.runs.iter().any(|run| run.path().starts_with(path));
        let Some(path) = self.paths.iter().find(|path| !has_run(path)) else { return Ok(()) };
        RunFolder::find(path)?;
        let path = path.display();
        Err(Error::Data(format!("{path}: no run in it has begun; give another folder, or wait with --follow")))
    }

    /// In words, where runs are looked for.
    pub fn places(&self) -> String {
        self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}
