//! `gpu-fmnist watch`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{watch_lines, watch_screen};
use crate::error::{Error, Result};
use crate::tracking::{TrackedRun, runs_in};
use crate::train::RunFolder;

/// Watch runs that are going on, or look at ones that have ended: curves, speed, and when they will be done.
///
/// It reads the runs' folders and writes nothing: a training does not notice. Runs that appear in a folder meanwhile are shown,
/// too. Where stdout is no terminal, it prints a line for each epoch of each run.
#[derive(Args)]
#[command(after_help = format!("{KEYS}\n\n{}", super::exit_codes::EXIT_CODES))]
pub struct WatchArguments {
    /// Runs' folders, or folders that runs are in
    #[arg(value_name = "RUN|FOLDER", default_value = "runs")]
    runs: Vec<PathBuf>,
    /// Print lines on a terminal, too
    #[arg(long)]
    plain: bool,
    /// Of lines: go on when all runs have ended, for those that are still to come
    #[arg(long)]
    follow: bool,
}

/// clap wraps the lines to the terminal.
const KEYS: &str = "\
Keys: up and down (or k and j) choose a run, page up and down, home and end, too; s shows its steps instead of its epochs; q, \
Escape or Ctrl-C end. NO_COLOR is heeded.";

/// Runs that are looked at again and again.
pub struct Watched<'a> {
    paths: &'a [PathBuf],
    pub runs: Vec<TrackedRun>,
}

pub fn run(arguments: &WatchArguments) -> Result<()> {
    let mut watched = Watched { paths: &arguments.runs, runs: Vec::new() };
    watched.look();
    let terminal = io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    if terminal && !arguments.plain {
        return watch_screen::show(&mut watched);
    }
    if !arguments.follow {
        watched.check()?;
    }
    watch_lines::print(&mut watched, arguments.follow)
}

impl Watched<'_> {
    /// Looks again: for new runs, and at those that are known. One that is gone is known no longer.
    pub fn look(&mut self) {
        let mut known = std::mem::take(&mut self.runs);
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
    fn check(&self) -> Result<()> {
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
