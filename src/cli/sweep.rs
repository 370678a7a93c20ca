//! `gpu-fmnist sweep`

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::device::AdaptersOption;
use super::engine::{Engine, EngineOptions, Work};
use super::options::{DataDirOption, JsonOption, QuietOption};
use super::output;
use super::space_tasks::Tasks;
use crate::error::{Error, Result};
use crate::shell::quoted;
use crate::sweep::{Manifest, Space};

/// Many runs as one: make the list of them, and have them done.
#[derive(Subcommand)]
pub enum SweepCommand {
    New(NewArguments),
    Run(RunArguments),
}

/// Write a sweep's manifest: each run's configuration with every default filled in, which stays as it is.
///
/// All of them are checked at once: a key that is unknown, or a value that 'train' would refuse, is an error here.
#[derive(Args)]
#[command(after_help = format!("{SPACE}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_arg("json", |argument| argument.help("Print a JSON object for each task")))]
pub struct NewArguments {
    /// The space: a TOML file that says which runs there are
    #[arg(value_name = "SPACE.toml")]
    space: PathBuf,
    /// The folder to write [default: runs/<name>-sweep-<n> with the next free number]
    #[arg(long, value_name = "FOLDER")]
    run_dir: Option<PathBuf>,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

const SPACE: &str = "\
In [parameters], a line each: options of 'train' (learning_rate, batch_size, model, ...) and keys of the model's file \
(optimizer.momentum, layers.NAME.KEY). A value is what all runs have, a list what a grid has; for method = \"random\" there \
are {uniform = [a, b]}, {log_uniform = [a, b]}, {integers = [a, b]} and {log_integers = [a, b]}, too.
Above it: name, method (\"grid\", or \"random\" with count and seed), metric (val_accuracy), seeds (how many, or a list), \
folds, and [pruning] with type = \"median\" (warm_up_epochs, min_tasks) or \"halving\" (min_epochs, reduction).

JSON of a task: task (from 1), values.";

/// Have the tasks of a sweep done that have not ended: here, by Slurm, or by whatever takes command lines.
#[derive(Args)]
#[command(after_help = super::exit_codes::EXIT_CODES)]
#[command(mut_arg("adapter", |argument| argument.help(
    "auto (every GPU there is, else the CPU path), vulkan, metal, dx12, gl, cpu, an index of 'devices', or a part of a \
     name; several with commas between them, each of which then has a task of its own at a time"
)))]
pub struct RunArguments {
    /// The sweep's folder
    #[arg(value_name = "SWEEP")]
    sweep: PathBuf,
    /// Who does the tasks
    #[arg(long, value_enum, default_value_t = Engine::Local)]
    engine: Engine,
    #[command(flatten)]
    options: EngineOptions,
    #[command(flatten)]
    adapters: AdaptersOption,
    #[command(flatten)]
    data: DataDirOption,
    #[command(flatten)]
    quiet: QuietOption,
}

pub fn run(command: &SweepCommand) -> Result<()> {
    match command {
        SweepCommand::New(arguments) => new(arguments),
        SweepCommand::Run(arguments) => {
            let manifest = Manifest::open(&arguments.sweep)?;
            Work {
                manifest: &manifest,
                adapters: arguments.adapters.names(),
                data_dir: arguments.data.path(),
                options: &arguments.options,
            }
            .done_by(arguments.engine, &mut arguments.quiet.console())
        }
    }
}

fn new(arguments: &NewArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let space = Space::open(&arguments.space)?;
    let name = format!("{}-sweep", space.name);
    let manifest = Tasks::new(&arguments.space, space).manifest(&mut console)?;
    let folder = folder(arguments.run_dir.as_deref(), &name)?;
    let manifest = manifest.write(&folder)?;
    if arguments.json.is_given() {
        for (task, number) in manifest.tasks.iter().zip(1..) {
            output::json(&json!({ "task": number, "values": task.values }))?;
        }
        return Ok(());
    }
    let (tasks, folder) = (manifest.tasks.len(), quoted(folder.as_os_str()));
    let tasks = if tasks == 1 { "1 task".to_owned() } else { format!("{tasks} tasks") };
    console.show(&format!("{tasks}; to be done with: gpu-fmnist sweep run {folder}"));
    Ok(())
}

/// The folder that is asked for, or `runs/NAME-N` with the next free number, which is made.
///
/// # Errors
/// [`Error::Failed`] where it cannot be made.
pub fn folder(given: Option<&Path>, name: &str) -> Result<PathBuf> {
    if let Some(folder) = given {
        return Ok(folder.to_owned());
    }
    let unwritable = |path: &Path, error: &std::io::Error| {
        Error::Failed(format!("{}: cannot be made ({error}); choose another folder with --run-dir", path.display()))
    };
    let runs = Path::new("runs");
    fs::create_dir_all(runs).map_err(|error| unwritable(runs, &error))?;
    let mut number = 1;
    loop {
        let path = runs.join(format!("{name}-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(unwritable(&path, &error)),
        }
    }
}
