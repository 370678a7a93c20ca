//! From a space to its tasks: what `train` would make of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::ArgAction;
use toml::Value;

use super::console::Console;
use super::device::Device;
use super::start::Start;
use super::train_arguments::TrainArguments;
use super::{dataset, names};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::model::nearest;
use crate::shell::quoted;
use crate::sweep::{Assignment, Manifest, Parameter, Space, Task, Values, shown};
use crate::train::{Config, Fold, Source};

/// Keys of a model file that stand by themselves, and what those of its sections begin with.
const MODEL_KEYS: [&str; 2] = ["name", "input"];
/// Options that are a task's own, or no part of a run.
const NOT_A_RUNS: [&str; 8] = ["run_dir", "resume", "set", "adapter", "json", "quiet", "verbose", "help"];
/// Options that a search has no use for: what its runs are made with is in their configurations.
const NOT_A_SEARCHS: [&str; 5] = ["init", "tiles", "class_names", "checkpoint_minutes", "tensorboard"];
/// Options that are paths: a task may be done from another folder.
const PATHS: [&str; 3] = ["init", "data_dir", "class_names"];

/// Makes the tasks of a space.
pub struct Tasks {
    /// For messages.
    file: PathBuf,
    space: Space,
    /// By the folder that is asked for.
    data: BTreeMap<Option<PathBuf>, Dataset>,
    /// Configurations, but for what no plan depends on, that a plan was made for.
    planned: BTreeSet<String>,
}

/// The words that are not in the configuration.
fn outside(words: &[String]) -> Vec<&String> {
    const OPTIONS: [&str; 3] = ["--init=", "--tiles=", "--class-names="];
    words.iter().filter(|word| OPTIONS.iter().any(|option| word.starts_with(option))).collect()
}

/// The parameters that vary, and the seeds and folds.
fn varying(space: &Space) -> Vec<Parameter> {
    let list = |name: &str, values: Vec<Value>| Parameter { name: name.into(), values: Values::Values(values) };
    let mut parameters: Vec<Parameter> =
        space.parameters.iter().filter(|parameter| parameter.values.vary()).cloned().collect();
    if space.seeds.len() > 1 {
        parameters.push(list("seed", space.seeds.iter().map(|seed| Value::Integer((*seed).into())).collect()));
    }
    if let Some(folds) = space.folds {
        parameters.push(list("fold", (1..=folds as i64).map(Value::Integer).collect()));
    }
    parameters
}

impl Tasks {
    /// Of the space in that file.
    pub fn new(file: &Path, space: Space) -> Self {
        Self { file: file.to_owned(), space, data: BTreeMap::new(), planned: BTreeSet::new() }
    }

    /// All of them. Says which data set they are of.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the key or the task that `train` would refuse; [`Error::Data`] where there is no data set.
    pub(super) fn manifest(mut self, console: &mut Console) -> Result<Manifest> {
        if self.space.is_search() {
            let search = format!("python -m gpu_fmnist.search {}", quoted(self.file.as_os_str()));
            let problem = "method is \"tpe\", which goes by what came of earlier runs";
            return Err(self.refused(&format!("{problem}; give \"random\", or search from Python with: {search}")));
        }
        let mut made: Vec<Task> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut drawn_before = 0;
        for assignment in self.space.assignments() {
            let task = self.task(&assignment, made.len() + 1, console)?;
            // What decides the run, but not how it was spelled.
            let run = format!("{:?} {:?} {:?}", task.data_dir, outside(&task.arguments), task.config);
            match known.get(&run) {
                None => {
                    made.push(task);
                    known.insert(run, made.len());
                }
                Some(_) if self.space.is_random() => drawn_before += 1,
                Some(number) => {
                    let values = task.described();
                    let problem = format!("tasks {number} and {} are the same run ({values})", made.len() + 1);
                    return Err(self.refused(&format!("{problem}; leave out what changes nothing")));
                }
            }
        }
        if drawn_before > 0 {
            console.say(&format!("{drawn_before} configurations were drawn twice; {} tasks are left", made.len()));
        }
        Ok(self.listed(made))
    }

    /// A manifest of tasks that were made one after the other.
    pub fn listed(&self, tasks: Vec<Task>) -> Manifest {
        let Space { name, metric, pruning, .. } = &self.space;
        Manifest::new(name.clone(), *metric, *pruning, varying(&self.space), tasks)
    }

    /// The task of that number with these values, as a search comes to them; nothing is said.
    ///
    /// # Errors
    /// [`Error::Usage`] where `train` would refuse it, [`Error::Data`] where there is no data set.
    pub fn searched(&mut self, values: BTreeMap<String, Value>, number: usize) -> Result<Task> {
        let task = self.task(&Assignment { values, fold: None }, number, &mut Console::new(true))?;
        let options = task.arguments.iter().filter_map(|word| word.strip_prefix("--")?.split('=').next());
        match options.map(|option| option.replace('-', "_")).find(|name| NOT_A_SEARCHS.contains(&name.as_str())) {
            None => Ok(task),
            Some(name) => Err(self.refused(&format!("[parameters]: {name} is not for a search; leave it out"))),
        }
    }

    fn task(&mut self, assignment: &Assignment, number: usize, console: &mut Console) -> Result<Task> {
        let varying = varying(&self.space);
        let is_varying = |name: &str| varying.iter().any(|parameter| parameter.name == name);
        let fold = assignment.fold.map(|fold| ("fold".to_owned(), Value::Integer(fold as i64 + 1)));
        let values = assignment.values.iter().map(|(name, value)| (name.clone(), value.clone())).chain(fold);
        let values = values.filter(|(name, _)| is_varying(name)).collect();
        let mut task = Task {
            values,
            arguments: words(&assignment.values).map_err(|problem| self.refused(&problem))?,
            data_dir: String::new(),
            data: Vec::new(),
            config: Config::default(),
        };
        let described = match task.described() {
            values if values.is_empty() => format!("task {number}"),
            values => format!("task {number} ({values})"),
        };
        let wrong = |error: Error| match error {
            Error::Usage(problem) => self.refused(&format!("{described}: {problem}")),
            other => other,
        };
        let arguments = TrainArguments::parse(&task.arguments)
            .map_err(|error| self.refused(&format!("{described}: {}", one_line(&error))))?;
        let config = Start::of(&arguments).map_err(wrong)?.config;
        let config = match (assignment.fold, self.space.folds) {
            (Some(number), Some(folds)) => of_fold(config, Fold { number, folds }),
            _ => config,
        };
        let metric = self.space.metric.name();
        if self.space.metric.validates() && !config.validates() {
            let problem = format!("{described}: metric is {metric}, but nothing is validated; give loss or accuracy");
            return Err(self.refused(&problem));
        }
        let data_dir = arguments.data.path().map(Path::to_owned);
        if !self.data.contains_key(&data_dir) {
            let loaded = dataset::load(data_dir.as_deref(), console)?;
            self.data.insert(data_dir.clone(), loaded);
        }
        let dataset = &self.data[&data_dir];
        let wrong = |error: Error| match error {
            Error::Usage(problem) => self.refused(&format!("{described}: {problem}")),
            other => other,
        };
        task.config = fitted(&arguments, config, dataset, console).map_err(wrong)?;
        if self.planned.insert(planned(&task.config)) {
            plan(&task.config, dataset)?;
        }
        task.data_dir = recorded(dataset)?;
        task.data = dataset::hashes(dataset);
        task.arguments.retain(|word| !word.starts_with("--data-dir="));
        Ok(task)
    }

    fn refused(&self, problem: &str) -> Error {
        Error::Usage(format!("{}: {problem}", self.file.display()))
    }
}

/// Where a data set is, as a manifest has it.
///
/// # Errors
/// [`Error::Usage`] where the path is no text.
pub fn recorded(dataset: &Dataset) -> Result<String> {
    let folder = std::path::absolute(&dataset.folder).unwrap_or_else(|_| dataset.folder.clone());
    folder.to_str().map(str::to_owned).ok_or_else(|| {
        let folder = folder.display();
        Error::Usage(format!("{folder}: its path is no text, which a manifest needs; rename the folder"))
    })
}

/// The configuration of one fold: as `kfold` makes it, with a seed of its own.
pub fn of_fold(config: Config, fold: Fold) -> Config {
    Config {
        seed: config.seed + fold.number as u64,
        validation_fraction: 1.0 / fold.folds as f64,
        fold: Some(fold),
        ..config
    }
}

/// The configuration with a batch size that the data set has samples for.
fn fitted(arguments: &TrainArguments, mut config: Config, data: &Dataset, console: &mut Console) -> Result<Config> {
    dataset::check(data, &config.model)?;
    let classes = config.model.classes();
    let given = arguments.names.given(classes)?;
    names::known(given.unwrap_or_default(), classes, |classes| data.class_names(classes))?;
    arguments.recipe.fit(&mut config, data.train.len(), console)?;
    config.split(data.train.len())?;
    Ok(config)
}

/// What a plan follows from, in words.
fn planned(config: &Config) -> String {
    let Config { batch_size, micro_batch, precision, loss, optimizer, average, augmentation, model, .. } = config;
    format!("{batch_size} {micro_batch:?} {precision:?} {loss:?} {optimizer:?} {average} {augmentation:?} {model:?}")
}

/// Makes a plan, which is refused here and not first where it is to run.
fn plan(config: &Config, dataset: &Dataset) -> Result<()> {
    Device::Cpu.training(config, Source::from(dataset)).plan().map(drop)
}

/// The values as options of `train`.
fn words(values: &BTreeMap<String, Value>) -> std::result::Result<Vec<String>, String> {
    let command = TrainArguments::subcommand();
    let name = |argument: &clap::Arg| Some(argument.get_long()?.replace('-', "_"));
    let mut words = Vec::new();
    for (key, value) in values {
        let fail = |problem: String| Err(format!("[parameters]: {problem}"));
        if key.contains('.') || MODEL_KEYS.contains(&key.as_str()) {
            words.push(format!("--set={key}={value}"));
            continue;
        }
        if NOT_A_RUNS.contains(&key.as_str()) {
            return fail(format!("{key} is no part of a run; give it to 'task' or 'sweep run', or leave it out"));
        }
        let option = command.get_arguments().find(|argument| name(argument).is_some_and(|name| name == *key));
        let Some(option) = option else { return fail(unknown(key, &command)) };
        let is_flag = matches!(option.get_action(), ArgAction::SetTrue);
        let long = key.replace('_', "-");
        match (is_flag, value) {
            (true, Value::Boolean(true)) => words.push(format!("--{long}")),
            (true, Value::Boolean(false)) => {}
            (true, value) => return fail(format!("{key} is {value}; give true or false")),
            (false, Value::Array(_) | Value::Table(_) | Value::Boolean(_)) => {
                return fail(format!("{key} is {value}; give text or a number, as for --{long}"));
            }
            (false, Value::String(path)) if PATHS.contains(&key.as_str()) => {
                let path = std::path::absolute(path).map_or_else(|_| path.clone(), |path| path.display().to_string());
                words.push(format!("--{long}={path}"));
            }
            (false, value) => words.push(format!("--{long}={}", shown(value))),
        }
    }
    // Pictures of hundreds of runs are looked at by nobody; `report` makes those of one.
    if !values.contains_key("no_report") {
        words.push("--no-report".into());
    }
    Ok(words)
}

/// Says what an unknown key may have meant.
fn unknown(key: &str, command: &clap::Command) -> String {
    let options = command.get_arguments().filter_map(clap::Arg::get_long).map(|name| name.replace('-', "_"));
    let options: Vec<String> = options.filter(|name| !NOT_A_RUNS.contains(&name.as_str())).collect();
    let known: Vec<&str> = options.iter().map(String::as_str).chain(MODEL_KEYS).collect();
    let hint = nearest(key, &known);
    format!(
        "unknown key \"{key}\"{hint}; there are {}, and a model file's SECTION.KEY and layers.NAME.KEY",
        known.join(", ")
    )
}

/// What clap says, in one line.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    lines.collect::<Vec<&str>>().join("; ").replace(":; ", ": ").trim_start_matches("error: ").to_owned()
}
