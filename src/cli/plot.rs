//! `gpu-fmnist plot`

use std::path::{Path, PathBuf};

use clap::Args;

use super::output;
use crate::error::{Error, Result};
use crate::plot::{Curve, Curves, Epoch, save, save_as};
use crate::train::{RunFolder, metrics};

/// Draw the learning curves of a run, or of several for comparison; while they go on, too.
#[derive(Args)]
#[command(after_help = super::exit_codes::EXIT_CODES)]
pub struct PlotArguments {
    /// The folders of the runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The picture to write: PNG or SVG, by its extension [default: learning_curves.svg and .png in the run's folder, or
    /// here for several runs]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

const NAME: &str = "learning_curves";

pub fn run(arguments: &PlotArguments) -> Result<()> {
    let runs = &arguments.runs;
    if runs.len() > Curves::MOST {
        let (count, most) = (runs.len(), Curves::MOST);
        return Err(Error::Usage(format!("plot: {count} runs; give at most {most}, whose colours can be told apart")));
    }
    let curves = curves(runs)?;
    let paths = match (&arguments.output, runs.as_slice()) {
        (Some(path), _) => {
            save_as(&curves, path)?;
            vec![path.clone()]
        }
        (None, [run]) => save(&curves, run, NAME)?.to_vec(),
        (None, _) => save(&curves, Path::new(""), NAME)?.to_vec(),
    };
    output::text(&paths.iter().map(|path| format!("wrote {}\n", path.display())).collect::<String>())
}

/// Draws the curves of one run into its folder.
///
/// # Errors
/// See [`metrics`] and [`save`].
pub fn draw(run: &Path) -> Result<()> {
    save(&curves(&[run.to_owned()])?, run, NAME).map(drop)
}

/// What the runs' folders tell of their epochs.
///
/// # Errors
/// See [`metrics`].
fn curves(runs: &[PathBuf]) -> Result<Curves> {
    let curve = |run: &PathBuf| {
        // Without the file, a path that is no run's folder is the fault.
        if !run.join("metrics.csv").exists() {
            RunFolder::find(run)?;
        }
        let epochs = metrics(run)?.iter().map(Epoch::from).collect();
        Ok(Curve { name: run.display().to_string(), epochs })
    };
    let title = match runs {
        [run] => format!("Learning curves of {}", run.display()),
        _ => "Learning curves".to_owned(),
    };
    Ok(Curves { title, runs: runs.iter().map(curve).collect::<Result<_>>()? })
}
