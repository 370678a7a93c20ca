//! `gpu-fmnist baseline`

use std::fmt::{self, Display};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;

use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::ProgressBar;

use super::baseline_table::{Row, Score, Table};
use super::console::Console;
use super::device::{AdapterOption, Device};
use super::options::{DataDirOption, JsonOption, QuietOption};
use super::split::LearntOptions;
use super::trained::{CheckpointOption, ModelOption, Trained, TrainedRun};
use super::{bar, dataset, flags, interrupt, output, setup};
use crate::augment::Views;
use crate::classical::{Components, Features, Keep, LEARNERS, Learner, Products, Task};
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::evaluate::{Confusion, Predictions, Report};
use crate::formats::make_folder;
use crate::train::History;

/// Compare classical learners with trained networks, on pixels and on their principal components.
///
/// Each learner learns the training samples of the split that 'train' has by default, and is measured on the validation and
/// the test samples. A learner that fails is a row of the table, and what is finished is written at once.
#[derive(Args)]
#[command(after_help = format!("{}\n\n{}", notes(), super::exit_codes::EXIT_CODES))]
#[command(mut_arg("data_dir", |argument| {
    argument.help(
        "The data set's folder; by default the first run's, or the first of the usual ones that has it, else it \
        is fetched"
    )
}))]
#[command(mut_arg("json", |argument| argument.help("Print a JSON object for each row")))]
pub struct BaselineArguments {
    /// Which learners: all, or names with commas between them
    #[arg(long, default_value = "all", value_name = "NAMES", value_delimiter = ',', value_parser = learner_names())]
    learners: Vec<String>,
    /// What they learn: the pixels themselves (none), or so many principal components (pca:50), or as many as explain a part
    /// of the variance (pca:0.95); several with commas between them
    #[arg(long, default_value = "none", value_name = "REDUCTIONS", value_delimiter = ',')]
    reduce: Vec<Reduction>,
    /// Of what is random in a learner
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    samples: LearntOptions,
    /// Folders of finished runs, whose networks become rows of the table, too
    #[arg(long, value_name = "RUN", num_args = 1..)]
    run: Vec<PathBuf>,
    #[command(flatten)]
    checkpoint: CheckpointOption,
    #[command(flatten)]
    data: DataDirOption,
    /// Where the table and the pictures go
    #[arg(short, long, default_value = "baseline", value_name = "FOLDER")]
    output: PathBuf,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

/// What learners learn of the pixels.
#[derive(Clone, Copy, Debug)]
enum Reduction {
    None,
    Pca(Keep),
}

impl FromStr for Reduction {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match (text, text.strip_prefix("pca:")) {
            ("none", _) => Ok(Self::None),
            (_, Some(components)) => components.parse().map(Self::Pca),
            _ => Err("neither none nor pca:N".into()),
        }
    }
}

impl Display for Reduction {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::None => write!(out, "none"),
            Self::Pca(keep) => write!(out, "pca:{keep}"),
        }
    }
}

const ALL: &str = "all";

fn learner_names() -> PossibleValuesParser {
    PossibleValuesParser::new([ALL].into_iter().chain(LEARNERS.map(|learner| learner.name)))
}

/// clap wraps the lines to the terminal.
fn notes() -> String {
    let line = |learner: &&Learner| format!("  {:<10}{}\n", learner.name, learner.described());
    let learners: String = LEARNERS.iter().map(line).collect();
    format!(
        "Learners:\n{learners}\nTraining seconds are the learner's own, without its reduction's; those of a network are its \
         run's. The folder gets baseline.csv, accuracy.{{svg,png}} and trade_off.{{svg,png}} (accuracy over training time).\n\n\
         JSON of a row: learner, reduction, settings, training_samples, training_seconds, \
         prediction_seconds_per_1000, val_accuracy, val_macro_f1, test_accuracy, test_macro_f1, error; null where there is \
         none.\n\nCtrl-C ends with exit code 130 and keeps the finished rows; a second one ends at once."
    )
}

/// What all rows have in common.
struct Comparison<'a> {
    arguments: &'a BaselineArguments,
    dataset: &'a Dataset,
    split: Split,
    device: &'a Device,
    products: Products<'a>,
    bar: ProgressBar,
    table: Table,
    /// What the table on disk came to.
    written: Result<()>,
}

pub fn run(arguments: &BaselineArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    // What cannot be opened is found before anything is learnt.
    let runs = arguments
        .run
        .iter()
        .map(|path| arguments.checkpoint.open(path, &ModelOption::default()))
        .collect::<Result<Vec<Trained>>>()?;
    let device = arguments.adapter.device(&mut console)?;
    let data_dir = arguments.data.path();
    let dataset = match runs.first().and_then(|run| run.run.as_ref()) {
        Some(TrainedRun { folder, state, .. }) => dataset::load_of_run(data_dir, folder, &state.data, &mut console)?,
        None => dataset::load(data_dir, &mut console)?,
    };
    let split = arguments.samples.of(dataset.train.len())?;
    if let Some(run) = runs.iter().find(|run| run.run().is_ok_and(|run| !run.trained_on(&dataset))) {
        let (run, folder) = (run.path.display(), dataset.folder.display());
        return Err(Error::Data(format!(
            "{run}: not trained on the data set in {folder}; give its own with --data-dir"
        )));
    }
    runs.iter().try_for_each(|run| dataset::check(&dataset, &run.network.model))?;
    make_folder(&arguments.output)?;
    interrupt::watch(&mut console);
    let bar = bar::new(&console, "{msg} {wide_bar} {percent} % {elapsed}");
    let products = Products { class: device.class(), executor: &|plan| device.executor(plan) };
    let mut comparison = Comparison {
        arguments,
        dataset: &dataset,
        split,
        device: &device,
        products,
        bar,
        table: Table::default(),
        written: Ok(()),
    };
    let ended = comparison.rows(&runs, &mut console);
    comparison.bar.finish_and_clear();
    let Comparison { table, written, .. } = comparison;
    if !arguments.json.is_given() && !table.is_empty() {
        output::tables(&table.text())?;
        if written.is_ok() {
            console.say(&format!(
                "wrote baseline.csv, accuracy.{{svg,png}} and trade_off.{{svg,png}} into {}",
                arguments.output.display()
            ));
        }
    }
    ended.and(written)
}

/// Samples to learn, to validate and to test with.
struct Parts {
    /// What was done to the pixels: `none`, or `pca:50`.
    reduction: String,
    features: [Features; 3],
}

impl Comparison<'_> {
    /// All rows: the networks', then each reduction's learners'.
    fn rows(&mut self, runs: &[Trained], console: &mut Console) -> Result<()> {
        for run in runs {
            let row = self.network(run)?;
            self.add(row, console)?;
        }
        let all = self.arguments.learners.iter().any(|name| name == ALL);
        let chosen = |learner: &&Learner| all || self.arguments.learners.iter().any(|name| name == learner.name);
        let learners: Vec<&Learner> = LEARNERS.into_iter().filter(chosen).collect();
        for &reduction in &self.arguments.reduce {
            let parts = match self.reduced(reduction, console) {
                Err(Error::Interrupted(_)) => return Err(self.interrupted()),
                Err(error @ Error::Usage(_)) => return Err(error),
                parts => parts.map_err(|error| flags::spelled(&error.to_string())),
            };
            for learner in &learners {
                let row = match &parts {
                    Ok(parts) => self.learner(learner, parts)?,
                    Err(error) => self.not_reduced(learner, reduction, error),
                };
                self.add(row, console)?;
            }
        }
        Ok(())
    }

    /// Takes a row into the table and writes all of it. Where that cannot be written, the comparison goes on: the table
    /// is also printed.
    fn add(&mut self, row: Row, console: &mut Console) -> Result<()> {
        self.bar.suspend(|| console.say(&row.line()));
        if self.arguments.json.is_given() {
            output::json(&row)?;
        }
        self.table.add(row);
        self.written = self.table.write(&self.arguments.output);
        Ok(())
    }

    /// A row that says why there are no such samples.
    fn not_reduced(&self, learner: &Learner, reduction: Reduction, error: &str) -> Row {
        let mut row = Row::new(learner.title, &reduction.to_string(), learner.settings, self.split.train.len());
        row.error = Some(error.to_owned());
        row
    }

    fn learner(&self, learner: &Learner, parts: &Parts) -> Result<Row> {
        let [train, validation, test] = &parts.features;
        let mut row = Row::new(learner.title, &parts.reduction, learner.settings, train.rows());
        match self.learnt(learner, train, [validation, test]) {
            Ok((seconds, prediction_seconds, scores)) => {
                row.training_seconds = Some(seconds);
                let [validation, test] = scores;
                row.measured(prediction_seconds, (Some(validation), test));
            }
            Err(Error::Interrupted(_)) => return Err(self.interrupted()),
            Err(error) => row.error = Some(flags::spelled(&error.to_string())),
        }
        Ok(row)
    }

    /// Seconds of training, seconds of prediction and scores of both other parts.
    fn learnt(&self, learner: &Learner, train: &Features, others: [&Features; 2]) -> Result<(f64, f64, [Score; 2])> {
        let products = self.products;
        let (labels, classes) = (self.labels(), self.dataset.classes());
        let task = Task { features: train, labels: &labels[0], classes, seed: self.arguments.seed, products };
        self.bar.set_message(learner.title);
        let start = Instant::now();
        let trained = (learner.train)(&task, &mut |part| self.progress(part))?;
        let training_seconds = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let predict = |features| trained.predict(features, products, &mut |part| self.progress(part));
        let predicted = [predict(others[0])?, predict(others[1])?];
        let prediction_seconds = start.elapsed().as_secs_f64();
        let score = |part: usize| {
            let pairs = labels[part + 1].iter().zip(&predicted[part]);
            let pairs = pairs.map(|(&label, &class)| (usize::from(label), usize::from(class)));
            Score::of(&Report::new(&Confusion::of(classes, pairs)))
        };
        Ok((training_seconds, prediction_seconds, [score(0), score(1)]))
    }

    fn network(&self, trained: &Trained) -> Result<Row> {
        let run = trained.run()?;
        let split = run.state.split(self.dataset.train.len(), &trained.path)?;
        let first = self.dataset.train.len() as u32;
        let mut evaluator = setup::evaluator(trained, self.dataset.into(), self.device, Views::default())?;
        // The first answer of some drivers includes the compilation of the shaders.
        evaluator.predict(&split.train[..1])?;
        let start = Instant::now();
        let held_out = Some(&split.validation).filter(|samples| !samples.is_empty());
        let validation = held_out.map(|samples| evaluator.predict(samples)).transpose()?;
        let (_, test) = evaluator.predict(&(first..first + self.dataset.test.len() as u32).collect::<Vec<_>>())?;
        let prediction_seconds = start.elapsed().as_secs_f64();
        let settings = format!("{} epochs, {}", run.state.epoch, run.state.adapter.name);
        let mut row = Row::new(&trained.network.model.name, "none", &settings, split.train.len());
        row.network = true;
        let history = History::resumed(&run.state.history, &run.folder.read("metrics.csv")?);
        row.training_seconds = history.rows().iter().map(|(_, seconds)| *seconds).sum();
        let score = |predictions: &Predictions| Score::of(&Report::new(&Confusion::new(predictions)));
        row.measured(prediction_seconds, (validation.map(|(_, predictions)| score(&predictions)), score(&test)));
        Ok(row)
    }

    /// The samples as learners get them.
    fn reduced(&self, reduction: Reduction, console: &mut Console) -> Result<Parts> {
        let Dataset { train, test, .. } = self.dataset;
        let numbers: Vec<u32> = (0..test.len() as u32).collect();
        let pixels = [
            Features::pixels(train, &self.split.train),
            Features::pixels(train, &self.split.validation),
            Features::pixels(test, &numbers),
        ];
        let Reduction::Pca(wanted) = reduction else {
            return Ok(Parts { reduction: reduction.to_string(), features: pixels });
        };
        // What no number of samples would have is a mistake.
        let keep = match wanted {
            Keep::Count(count) if count > pixels[0].columns => wanted,
            _ => wanted.within(&pixels[0]),
        };
        if keep != wanted {
            let line = format!("pca:{keep} instead of pca:{wanted}: the training samples have no more components");
            self.bar.suspend(|| console.say(&line));
        }
        let start = Instant::now();
        self.bar.set_message("principal components");
        let components = Components::of(&pixels[0], keep, self.products, &mut |part| self.progress(part))?;
        let project = |pixels: &Features| components.project(pixels, self.products, &mut |part| self.progress(part));
        let features = [project(&pixels[0])?, project(&pixels[1])?, project(&pixels[2])?];
        let (count, seconds) = (components.count(), start.elapsed().as_secs_f64());
        let part = 100.0 * components.ratios()[..count].iter().sum::<f64>();
        let line = format!("pca:{keep}: {count} components with {part:.1} % of the variance, in {seconds:.1} s");
        self.bar.suspend(|| console.say(&line));
        Ok(Parts { reduction: Reduction::Pca(keep).to_string(), features })
    }

    /// Labels of the samples to learn, to validate and to test with.
    fn labels(&self) -> [Vec<u8>; 3] {
        let Dataset { train, test, .. } = self.dataset;
        let of = |numbers: &[u32]| numbers.iter().map(|&number| train.labels[number as usize]).collect();
        [of(&self.split.train), of(&self.split.validation), test.labels.clone()]
    }

    fn progress(&self, part: f64) -> ControlFlow<()> {
        self.bar.set_length(1000);
        self.bar.set_position((1e3 * part) as u64);
        interrupt::requested(part)
    }

    fn interrupted(&self) -> Error {
        let (rows, folder) = (self.table.len(), self.arguments.output.display());
        Error::Interrupted(match &self.written {
            Ok(()) if rows == 0 => "interrupted before the first row".into(),
            Ok(()) => format!("interrupted; {rows} finished rows are in {folder}/baseline.csv"),
            Err(error) => format!("interrupted; {error}"),
        })
    }
}
