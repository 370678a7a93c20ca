//! `gpu-fmnist watch`

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;

use super::watched::Watched;
use super::{watch_lines, watch_screen};
use crate::error::Result;

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

pub fn run(arguments: &WatchArguments) -> Result<()> {
    let mut watched = Watched::new(&arguments.runs);
    let terminal = io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    if terminal && !arguments.plain {
        return watch_screen::show(&mut watched);
    }
    if !arguments.follow {
        watched.check()?;
    }
    watch_lines::print(&mut watched, arguments.follow)
}
