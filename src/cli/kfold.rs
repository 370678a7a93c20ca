//! `gpu-fmnist kfold`

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::console::Console;
use super::device::{AdapterOption, Device};
use super::engine::{Engine, EngineOptions};
use super::kfold_outcome::{COLUMNS, FILE, Outcome};
use super::names::{self, NamesOption};
use super::options::{DataDirOption, JsonOption, QuietOption, models};
use super::ranks::Ranks;
use super::recipe::RecipeOptions;
use super::recorder::Recorder;
use super::run::Run;
use super::tiling::TilesOption;
use super::{dataset, interrupt, output, record, setup};
use crate::data::{Dataset, Framing};
use crate::error::{Error, Result};
use crate::evaluate::Spread;
use crate::formats::read_text;
use crate::model::ModelFile;
use crate::plot::{BoxPlot, Values, save};
use crate::shell::quoted;
use crate::sniff;
use crate::train::{Config, Fold, History, RunFolder, State};

/// Cross-validate: train a fresh network on each fold of the training samples' rest, and say how much the results differ.
///
/// The folds are those of scikit-learn's KFold(folds, shuffle=True, random_state=seed). Each network's initial weights,
/// shuffling, dropout and augmentation come from a seed of its own: --seed plus the fold's number.
#[derive(Args)]
#[command(after_help = format!("{JSON}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_arg("json", |argument| {
    argument.help("Print a JSON object for each fold, and a last one with the means")
}))]
#[command(mut_arg("jobs", |argument| argument.requires("engine")))]
#[command(mut_arg("tasks_per_job", |argument| argument.requires("engine")))]
#[command(mut_arg("sbatch", |argument| argument.requires("engine")))]
pub struct KfoldArguments {
    #[arg(long, help = models("a model's TOML file"), default_value = "cnn1", value_name = "NAME|FILE")]
    model: PathBuf,
    /// Parts that the training samples are cut into [default: 5, or one a sample of fewer]
    #[arg(long, value_name = "K")]
    folds: Option<usize>,
    /// scikit-learn's random_state of the folds
    #[arg(long, default_value_t = 1)]
    seed: u32,
    #[command(flatten)]
    recipe: RecipeOptions,
    #[command(flatten)]
    pub data: DataDirOption,
    #[command(flatten)]
    pub names: NamesOption,
    /// The folder to write [default: runs/<model>-kfold-<n> with the next free number]
    #[arg(long, value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,
    /// Go on after the last finished fold
    #[arg(long, value_name = "RUN", conflicts_with_all = [
        "model", "folds", "seed", "epochs", "batch_size", "micro_batch", "learning_rate", "precision", "augment", "set",
        "run_dir", "tiles", "class_names", "engine",
    ])]
    resume: Option<PathBuf>,
    /// Have the folds done as the tasks of a sweep, each in a process of its own; 'sweep run' goes on with them, and
    /// 'collect' says what they came to
    #[arg(long, value_enum)]
    pub engine: Option<Engine>,
    #[command(flatten)]
    pub engine_options: EngineOptions,
    #[command(flatten)]
    pub adapter: AdapterOption,
    #[command(flatten)]
    pub tiles: TilesOption,
    #[command(flatten)]
    pub json: JsonOption,
    #[command(flatten)]
    pub quiet: QuietOption,
}

/// Unless asked for.
const FOLDS: usize = 5;

const JSON: &str = "\
JSON of a fold: fold (from 1), loss, accuracy (of the last epoch's training), val_loss, val_accuracy (of the samples held \
out), test_loss, test_accuracy, seconds. JSON at the end: of each of these but fold, mean, standard_deviation and \
confidence (half of the mean's 95 % confidence interval); and model, adapter, folds, run_dir.";

/// `kfold.toml`: what the folds have in common.
#[derive(Serialize, Deserialize)]
struct Common {
    /// The checksums of the data set's files.
    data: Vec<String>,
    /// See [`State::class_names`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    class_names: Vec<String>,
    /// Of the first fold.
    config: Config,
}

/// A cross-validation under way.
struct Validation<'a> {
    folder: RunFolder,
    common: Common,
    dataset: &'a Dataset,
    device: &'a Device,
    quiet: &'a QuietOption,
    outcomes: Vec<Outcome>,
}

pub fn run(arguments: &KfoldArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let resumed = arguments.resume.as_deref().map(resume).transpose()?;
    let mut config = match &resumed {
        Some((_, common, _)) => common.config.clone(),
        None => asked(arguments)?,
    };
    let given_names = arguments.names.given(config.model.classes())?;
    let device = arguments.adapter.device(&mut console)?;
    let (data_dir, model) = (arguments.data.path(), &config.model);
    let dataset = match &resumed {
        Some((folder, common, outcomes)) => {
            let mut folds = (1..=outcomes.len() + 1).map(|fold| fold_path(folder, fold));
            let fold = RunFolder::open(&folds.find(|fold| fold.exists()).unwrap_or_else(|| folder.path().to_owned()));
            dataset::open_of_run(data_dir, &fold, &common.data, model, &mut console)?
        }
        None => dataset::open(data_dir, model, &mut console)?,
    };
    if resumed.is_none() {
        config = fitted(arguments, config, dataset.train.len(), &mut console)?;
    }
    let data = dataset::hashes(&dataset);
    let split = config.split(dataset.train.len());
    let (folder, common, outcomes) = match resumed {
        Some((_, common, _)) if common.data != data => {
            let problem = format!("{}: not the data set that the folds are of", dataset.folder.display());
            return Err(Error::Data(format!("{problem}; give that one with --data-dir")));
        }
        Some(resumed) => {
            let file = resumed.0.path().join("kfold.toml");
            let fail = |error| Error::Data(format!("{}: its folds do not fit the data ({error})", file.display()));
            split.map_err(fail)?;
            resumed
        }
        None => {
            split?;
            let class_names = names::known(given_names.unwrap_or_default(), config.model.classes(), |classes| {
                dataset.class_names(classes)
            })?;
            config.tiles = arguments.tiles.choose(&device, &config, &mut console)?;
            config.micro_batch = Some(config.most_rows());
            let common = Common { data, class_names, config };
            let folder = match &arguments.run_dir {
                Some(path) => RunFolder::create(path)?,
                None => RunFolder::create_next(&format!("{}-kfold", common.config.model.name))?,
            };
            let text = toml::to_string(&common)
                .map_err(|error| Error::Failed(format!("kfold.toml cannot be written: {error}")))?;
            if let Err(error) = folder.write("kfold.toml", &text) {
                folder.discard();
                return Err(error);
            }
            (folder, common, Vec::new())
        }
    };
    interrupt::watch(&mut console);
    let mut validation =
        Validation { folder, common, dataset: &dataset, device: &device, quiet: &arguments.quiet, outcomes };
    for number in validation.outcomes.len()..validation.folds() {
        let outcome = validation.fold(number, &mut console)?;
        if arguments.json.is_given() {
            output::json(&outcome)?;
        }
    }
    validation.finish(arguments.json.is_given())
}

/// The folder, what the folds have in common and the finished folds of a run.
fn resume(path: &Path) -> Result<(RunFolder, Common, Vec<Outcome>)> {
    let mut folder = RunFolder::open(path);
    let file = path.join("kfold.toml");
    if file.exists() {
        folder.lock()?;
    }
    let fail = |problem: String| {
        let problem = problem.replace('\n', " ");
        Error::Data(format!("{}: {problem}; give a folder that 'kfold' wrote", file.display()))
    };
    if !file.exists() {
        return Err(not_a_validation(path));
    }
    let text = read_text(&file).map_err(|error| fail(format!("cannot be read ({error})")))?;
    let common: Common = toml::from_str(&text).map_err(|error| fail(format!("not whole ({error})")))?;
    common.config.check().map_err(|error| fail(error.to_string()))?;
    let lines = folder.read(FILE)?;
    let rows: Vec<Outcome> = lines.lines().skip(1).filter_map(Outcome::parse).collect();
    // A row that is not the next one's is trained again, and all after it.
    let outcomes: Vec<Outcome> =
        rows.into_iter().zip(1..).take_while(|(row, fold)| row.fold == *fold).map(|(row, _)| row).collect();
    match common.config.fold {
        Some(Fold { folds, .. }) if folds >= outcomes.len() => Ok((folder, common, outcomes)),
        _ => Err(fail("says nothing of the folds".into())),
    }
}

/// What is said of something without a `kfold.toml`.
fn not_a_validation(path: &Path) -> Error {
    let what = match path {
        _ if path.is_dir() => sniff::folder(path).name,
        _ if path.exists() => "a file",
        _ => return Error::Data(format!("{}: there is no such folder; check the path", path.display())),
    };
    Error::Data(format!(
        "{}: {what}, not the folder of a cross-validation; give one that 'kfold' wrote",
        path.display()
    ))
}

/// The configuration of the first of the folds that the arguments ask for.
///
/// # Errors
/// [`Error::Usage`] where they ask for something impossible.
pub fn asked(arguments: &KfoldArguments) -> Result<Config> {
    config(arguments, arguments.folds.unwrap_or(FOLDS))
}

fn config(arguments: &KfoldArguments, folds: usize) -> Result<Config> {
    let config = arguments.recipe.config(ModelFile::open(&arguments.model)?)?;
    if folds < 2 {
        return Err(Error::Usage(format!("--folds {folds}: nothing to compare; give 2 or more")));
    }
    if arguments.recipe.set.has("training.validation_fraction") {
        return Err(Error::Usage(
            "--set training.validation_fraction: of no use to folds; give --folds instead".into(),
        ));
    }
    let config = Config {
        seed: arguments.seed.into(),
        split_seed: arguments.seed,
        validation_fraction: 1.0 / folds as f64,
        fold: Some(Fold { number: 0, folds }),
        ..config
    };
    config.check()?;
    Ok(config)
}

/// The same with no more folds, by default, than a training file of `count` samples can be cut into, and no larger batch
/// than they have samples. Says where that is less.
pub fn fitted(arguments: &KfoldArguments, config: Config, count: usize, console: &mut Console) -> Result<Config> {
    let mut config = config;
    if arguments.folds.is_none() && (2..FOLDS).contains(&count) {
        console.say(&format!("--folds {count} instead of {FOLDS}: there are no more samples"));
        config = self::config(arguments, count)?;
    }
    // The first fold holds out as many as any other, or one more.
    arguments.recipe.fit(&mut config, count, console)?;
    Ok(config)
}

fn fold_path(folder: &RunFolder, fold: usize) -> PathBuf {
    folder.path().join(format!("fold-{fold}"))
}

impl Validation<'_> {
    fn folds(&self) -> usize {
        self.common.config.fold.map_or(0, |fold| fold.folds)
    }

    /// Trains the fold's network from its beginning, and keeps what it came to.
    fn fold(&mut self, number: usize, console: &mut Console) -> Result<Outcome> {
        let (fold, folds, start) = (number + 1, self.folds(), Instant::now());
        let config = &self.common.config;
        let seed = config.seed + number as u64;
        let config = Config { seed, fold: Some(Fold { number, folds }), ..config.clone() };
        let path = fold_path(&self.folder, fold);
        // What an interruption has left.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|error| {
                Error::Failed(format!("{}: cannot be removed ({error}); remove it", path.display()))
            })?;
        }
        let Common { data, class_names, .. } = &self.common;
        let state = State {
            framing: Framing::of(&self.dataset.train),
            class_names: class_names.clone(),
            ..State::new(config, data.clone(), self.device.identity())
        };
        let mut trainer = setup::trainer(state, self.dataset, self.device, &Ranks::alone(), false, console)?;
        let folder = RunFolder::create(&path)?;
        record::write(&folder, &trainer.state().config, self.dataset, self.device)?;
        let (train, held_out) = (trainer.split().train.len(), trainer.split().validation.len());
        let mut own_console = self.quiet.console();
        own_console.say(&format!(
            "fold {fold}/{folds}: {} on {}: {train} samples to train, {held_out} held out",
            trainer.state().config.model.name,
            self.device.describe()
        ));
        let recorder = Recorder::begin(&folder, &mut trainer, false)?;
        let mut run = Run {
            trainer,
            folder,
            history: History::default(),
            recorder,
            console: own_console,
            device: self.device,
            json: false,
            saved: Instant::now(),
            save_every: None,
            report_on: None,
            pruner: None,
        };
        run.fit().map_err(|error| self.interrupted(fold, error))?;
        let (test_loss, test) = run.trainer.test()?;
        let last = run.trainer.state().history.last();
        let validated = last.and_then(|last| Some((last, last.val_loss?, last.val_accuracy?)));
        let Some((last, val_loss, val_accuracy)) = validated else {
            return Err(Error::Failed(format!("fold {fold}: no epoch was trained")));
        };
        let outcome = Outcome {
            fold,
            loss: last.loss,
            accuracy: last.accuracy,
            val_loss,
            val_accuracy,
            test_loss,
            test_accuracy: test.top(1),
            seconds: (1e3 * start.elapsed().as_secs_f64()).round() / 1e3,
        };
        self.outcomes.push(outcome);
        let rows: String = self.outcomes.iter().map(Outcome::row).collect();
        self.folder.write(FILE, &format!("fold,{}\n{rows}", COLUMNS.join(",")))?;
        Ok(outcome)
    }

    /// The finished folds are kept; an interrupted one begins anew.
    fn interrupted(&self, fold: usize, error: Error) -> Error {
        let Error::Interrupted(_) = error else { return error };
        let (kept, folder) = (fold - 1, quoted(self.folder.path().as_os_str()));
        Error::Interrupted(format!("{kept} finished folds are kept; go on with: gpu-fmnist kfold --resume {folder}"))
    }

    /// Says what the folds came to, and draws it.
    fn finish(self, json: bool) -> Result<()> {
        let column = |place: usize| self.outcomes.iter().map(|outcome| outcome.figures()[place]).collect::<Vec<f64>>();
        let spreads: Vec<Spread> = (0..COLUMNS.len()).map(|place| Spread::new(&column(place))).collect();
        let values =
            |name: &str, place: usize, limits: [f64; 2]| Values { name: name.into(), values: column(place), limits };
        let model = &self.common.config.model.name;
        let figure = BoxPlot {
            title: format!("{model}: {} folds", self.folds()),
            order: "folds, from the first to the last".into(),
            boxes: vec![
                values("accuracy of the samples held out", 3, [0.0, 1.0]),
                values("test accuracy", 5, [0.0, 1.0]),
                values("test loss", 4, [0.0, f64::INFINITY]),
            ],
        };
        let drawn = save(&figure, self.folder.path(), "kfold");
        if json {
            let mut object: serde_json::Map<_, _> =
                COLUMNS.iter().zip(&spreads).map(|(name, spread)| ((*name).to_owned(), json!(spread))).collect();
            object.insert("model".into(), json!(model));
            object.insert("adapter".into(), json!(self.device.name()));
            object.insert("folds".into(), json!(self.folds()));
            object.insert("run_dir".into(), json!(self.folder.path().to_string_lossy()));
            output::json(&object)?;
            return drawn.map(drop);
        }
        let folds = self.outcomes.iter().map(|outcome| (outcome.fold.to_string(), outcome.figures().to_vec()));
        let spread = |name: &str, of: fn(&Spread) -> f64| (name.to_owned(), spreads.iter().map(of).collect());
        let summary: [(String, Vec<f64>); 3] = [
            spread("mean", |spread| spread.mean),
            spread("standard deviation", |spread| spread.standard_deviation),
            spread("95 % confidence ±", |spread| spread.confidence),
        ];
        let cell = |(place, figure): (usize, &f64)| match COLUMNS[place] {
            "seconds" => format!("{figure:.1}"),
            _ => format!("{figure:.4}"),
        };
        // The training's own figures are in the file.
        const SHOWN: usize = 2;
        let row = |(name, figures): (String, Vec<f64>)| {
            [name].into_iter().chain(figures.iter().enumerate().skip(SHOWN).map(cell)).collect::<Vec<String>>()
        };
        let rows: Vec<Vec<String>> = folds.chain(summary).map(row).collect();
        let headings: Vec<&str> = ["fold"].into_iter().chain(COLUMNS.into_iter().skip(SHOWN)).collect();
        let folder = self.folder.path().display();
        output::tables(&output::table(&headings, &rows))?;
        drawn?;
        output::text(&format!("\nwrote {folder}/{FILE} and kfold.{{svg,png}}\n"))
    }
}
