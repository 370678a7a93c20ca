//! `gpu-fmnist export --format tensorboard`

use std::path::{Path, PathBuf};

use super::output;
use crate::error::{Error, Result};
use crate::formats::{make_folder, write_own};
use crate::shell::quoted;
use crate::tracking::{EventFile, TrackedRun, events, runs_in};
use crate::train::RunFolder;

/// Writes the event file of the run, or of each run in a folder: into its own folder, or below `output`.
///
/// # Errors
/// [`Error::Data`] where there is no run, or nothing in it yet; [`Error::Failed`] where a file cannot be written, or another
/// process is writing the run.
pub fn run(path: &Path, output: Option<&Path>) -> Result<()> {
    let runs = runs_in(path);
    if runs.is_empty() {
        // Says what is there instead.
        RunFolder::find(path)?;
        return Err(Error::Data(format!("{}: no run in it has begun; give another folder", path.display())));
    }
    for run in &runs {
        export(run, output.map(|output| below(output, path, run)).as_deref())?;
    }
    let shown = output.unwrap_or(path);
    output::text(&format!("look at it with: tensorboard --logdir {}\n", quoted(shown.as_os_str())))
}

/// The folder for a run that was found in another: as many folders down.
fn below(output: &Path, path: &Path, run: &Path) -> PathBuf {
    match run.strip_prefix(path) {
        Ok(inside) if inside != Path::new("") => output.join(inside),
        _ => output.to_owned(),
    }
}

fn export(path: &Path, output: Option<&Path>) -> Result<()> {
    // Before it is locked here: then it would be going on.
    let run = TrackedRun::open(path);
    let mut folder = RunFolder::open(path);
    match output {
        Some(output) => make_folder(output)?,
        // The process that trains it may be adding to the file.
        None => folder.lock().map_err(|error| Error::Failed(format!("{error}, or give --output")))?,
    }
    if let Some(problem) = &run.problem {
        return Err(Error::Data(problem.clone()));
    }
    let (steps, epochs) = (run.steps().len(), run.epochs.len());
    if steps + epochs == 0 {
        let path = path.display();
        return Err(Error::Data(format!("{path}: no step is done; wait, or go on with 'train --resume'")));
    }
    let file = EventFile::path(output.unwrap_or(path));
    write_own(&file, &events(&run, true))?;
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let shown = file.display();
    output::text(&format!("wrote {shown} ({}, {})\n", counted(epochs, "epoch"), counted(steps, "step")))
}
