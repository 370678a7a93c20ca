//! `gpu-fmnist collect`

use std::path::{Path, PathBuf};

use clap::Args;

use super::collect_figures;
use super::collect_table::{self, Row};
use super::console::Console;
use super::options::{JsonOption, QuietOption};
use super::output;
use crate::error::Result;
use crate::sweep::{Manifest, Standing};

/// Say what became of a sweep: a table, and a picture of the parameters and one of their importance.
///
/// It may be asked at any time: tasks that have not ended are in the table as far as they have come.
#[derive(Args)]
#[command(after_help = format!("{FILES}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_arg("json", |argument| argument.help("Print a JSON object for each task")))]
pub struct CollectArguments {
    /// The sweep's folder
    #[arg(value_name = "SWEEP")]
    sweep: PathBuf,
    /// Where the table and the pictures go [default: the sweep's folder]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

const FILES: &str = "\
The folder gets sweep.csv, parallel_coordinates.{svg,png} and importance.{svg,png}: of the variance of the complete runs' \
results, the part that each parameter explains by itself (functional ANOVA over a random forest: Hutter, Hoos and \
Leyton-Brown, 2014).

Columns, and JSON of a task: task, the parameters that vary, status (waiting, begun, complete, pruned, diverged or failed), epochs; \
loss, accuracy, val_loss, val_accuracy (of the last epoch), test_loss, test_accuracy, training_flop (of its epochs), seconds \
(of its epochs), adapter, host; empty or null where there is none.";

pub fn run(arguments: &CollectArguments) -> Result<()> {
    let manifest = Manifest::open(&arguments.sweep)?;
    let folder = arguments.output.as_deref().unwrap_or(manifest.folder());
    told(&manifest, folder, arguments.json.is_given(), &mut arguments.quiet.console())
}

/// Writes the files into the folder, and says what became of the tasks.
///
/// # Errors
/// [`Error::Data`](crate::error::Error::Data) where a task's files are damaged,
/// [`Error::Failed`](crate::error::Error::Failed) where a file cannot be written.
pub fn told(manifest: &Manifest, folder: &Path, json: bool, console: &mut Console) -> Result<()> {
    let (rows, files) = written(manifest, folder, console)?;
    if json {
        return rows.iter().try_for_each(|row| output::json(&row.object(manifest)));
    }
    output::tables(&collect_table::text(manifest, &rows))?;
    let ended = rows.iter().filter(|row| matches!(row.standing, Standing::Ended(_))).count();
    let (tasks, folder) = (rows.len(), folder.display());
    console.show(&format!("{ended} of {tasks} tasks have ended; wrote {} into {folder}", files.join(", ")));
    Ok(())
}

/// Writes table and pictures of the sweep in that folder into it; the table as text, for programs that print it.
///
/// # Errors
/// See `Manifest::open`; [`Error::Data`](crate::error::Error::Data) where a task's files are damaged,
/// [`Error::Failed`](crate::error::Error::Failed) where a file cannot be written.
pub fn collected(folder: &Path) -> Result<String> {
    let manifest = Manifest::open(folder)?;
    let (rows, _) = written(&manifest, manifest.folder(), &mut Console::new(true))?;
    Ok(collect_table::text(&manifest, &rows))
}

/// The rows, and the names of the files that were written.
fn written(manifest: &Manifest, folder: &Path, console: &mut Console) -> Result<(Vec<Row>, Vec<String>)> {
    let rows = (1..=manifest.tasks.len()).map(|number| Row::of(manifest, number)).collect::<Result<Vec<Row>>>()?;
    collect_table::write(manifest, &rows, folder)?;
    let pictures = collect_figures::draw(manifest, &rows, folder, console)?;
    Ok((rows, ["sweep.csv".to_owned()].into_iter().chain(pictures).collect()))
}
