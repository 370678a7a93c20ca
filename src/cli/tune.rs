//! `gpu-fmnist tune`

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::console::Console;
use super::device::{AdapterOption, Device};
use super::options::{BatchSizeOption, JsonOption, PrecisionOption, QuietOption, SetOption, models};
use super::{bar, interrupt, output};
use crate::error::{Error, Result};
use crate::gemm::{GemmProblem, GemmSelection};
use crate::gpu::{Adapter, Identity, Probe};
use crate::kernels::Product;
use crate::network::Options;
use crate::precision::Precision;
use crate::train::Config;
use crate::tune::{Cache, LONGEST_COMPILE, MARGIN, Measured, Outcome, measure, products, search};

/// Measure on this adapter which tiles suit the products of some models, for 'train' to take.
#[derive(Args)]
#[command(after_help = format!("{}\n\n{}", about(), super::exit_codes::EXIT_CODES))]
#[command(mut_arg("quiet", |argument| argument.conflicts_with("verbose")))]
#[command(mut_arg("batch_size", |argument| {
    argument.help(
        "Samples a training step: tiles are chosen for each size apart [default: what the model's file says, or 512]"
    )
}))]
pub struct TuneArguments {
    #[arg(long, help = models("models' TOML files; several with commas between them"), value_delimiter = ',', default_value = "cnn1,cnn2,cnn3", value_name = "NAME|FILE,...")]
    model: Vec<PathBuf>,
    #[command(flatten)]
    set: SetOption,
    #[command(flatten)]
    batch: BatchSizeOption,
    #[command(flatten)]
    precision: PrecisionOption,
    #[command(flatten)]
    adapter: AdapterOption,
    /// Stop after so long and keep what was found until then
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Measure, but keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Forget the tiles that were kept for this adapter, and measure nothing
    #[arg(long, conflicts_with_all = ["model", "set", "batch_size", "precision", "seconds", "dry_run", "json"])]
    clear: bool,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
    /// Also say which candidates were dropped, and why
    #[arg(short, long)]
    verbose: bool,
}

fn about() -> String {
    let (margin, compile) = (100.0 * MARGIN, LONGEST_COMPILE.as_secs());
    format!(
        "A candidate wins where it is faster than the table's tile by more than {margin} %, gives its CPU reference's result to \
         the bit, and compiles within {compile} s. The winners are in tiles.toml in this program's folder in your cache, or \
         in the folder that GPU_FMNIST_CACHE names, by adapter, driver, precision and shape. In f16 there are candidates for matrix units, too, where the adapter \
         has such, but for products of pixels or of the loss's gradient, which are f32. Another tile is another order of sums: \
         a run keeps the tiles it began with.\n\n\
         JSON: adapter, backend, device_type, batch_size (null where the models' differ), cache (the file, or null), products; of each product: product \
         (its name in the file), precision, candidates, dropped, table and best (null where the table's stays), both with tile and \
         milliseconds.\n\n\
         Ctrl-C keeps what was found and ends with exit code 130; a second one ends at once."
    )
}

/// How the measuring ended.
enum End {
    Complete,
    OutOfTime,
    Interrupted,
    /// What was found cannot be kept.
    Unwritable(Error),
}

/// A model's product, in the steps that train it.
type Wanted<'a> = (&'a Config, GemmProblem);

/// A tuner with everything it reports to.
struct Tuner<'a> {
    arguments: &'a TuneArguments,
    adapter: &'a Adapter,
    console: Console,
    cache: Cache,
    path: &'a Path,
}

pub fn run(arguments: &TuneArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let wanted = |name: &PathBuf| {
        let (model, recipe) = arguments.set.open(name)?;
        let batch_size = arguments.batch.of(&recipe, &arguments.set)?;
        let mut config = Config { batch_size, ..Config::new(model, recipe) };
        arguments.precision.apply(&arguments.set, &mut config.precision);
        Ok(config)
    };
    let configs = arguments.model.iter().map(wanted).collect::<Result<Vec<Config>>>()?;
    let Device::Gpu(adapter) = arguments.adapter.device(&mut console)? else {
        return Err(Error::Usage(
            "--adapter: the CPU path has no tiles to choose; name one that 'devices' lists".into(),
        ));
    };
    let Some(path) = Cache::path() else {
        return Err(Error::Failed("no home folder to keep tiles in; name a folder with GPU_FMNIST_CACHE".into()));
    };
    configs.iter().try_for_each(|config| adapter.stores(config.precision))?;
    let cache = Cache::read(&path).unwrap_or_else(|error| {
        console.say(&format!("{error}; beginning a new one"));
        Cache::default()
    });
    let mut tuner = Tuner { arguments, adapter: &adapter, console, cache, path: &path };
    if arguments.clear {
        return tuner.clear();
    }
    if !arguments.dry_run {
        // That nothing can be kept is found before the work is done.
        tuner.cache.write(&path)?;
    }
    interrupt::watch(&mut tuner.console);
    tuner.console.say(&format!("tuning on {}", adapter.describe()));
    let wanted = tuner.wanted(&configs)?;
    let (outcomes, end) = tuner.measure(&wanted)?;
    tuner.report(&configs, &outcomes)?;
    tuner.conclude(&outcomes, wanted.len(), end)
}

impl Tuner<'_> {
    fn clear(mut self) -> Result<()> {
        let (name, path) = (self.adapter.describe(), self.path.display());
        if !self.cache.clear(&Identity::of(self.adapter)) {
            self.console.say(&format!("{path}: no tiles for {name}"));
            return Ok(());
        }
        self.cache.write(self.path)?;
        self.console.say(&format!("{path}: the tiles for {name} are gone"));
        Ok(())
    }

    /// The products of all models, each once with the first model that has it.
    fn wanted<'m>(&self, configs: &'m [Config]) -> Result<Vec<Wanted<'m>>> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for config in configs {
            for product in products(&config.model, options(config, self.adapter.class().into()))? {
                let is_same =
                    |(other, problem): &Wanted| (other.precision, *problem) == (config.precision, product.problem());
                if !wanted.iter().any(is_same) {
                    wanted.push((config, product.problem()));
                }
            }
        }
        Ok(wanted)
    }

    /// Measures one product after the other and keeps each outcome at once.
    fn measure(&mut self, wanted: &[Wanted]) -> Result<(Vec<Outcome>, End)> {
        let deadline = self.arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let out_of_time = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let probe = Probe::open(self.adapter)?;
        let identity = Identity::of(self.adapter);
        let mut selections: HashMap<Precision, GemmSelection> = HashMap::new();
        let mut outcomes = Vec::new();
        let bar = bar::new(&self.console, "{msg} {wide_bar} {pos}/{len}");
        for (number, (config, problem)) in (1..).zip(wanted) {
            let selection = selections.entry(config.precision).or_insert_with(|| self.adapter.class().into());
            let found = search(self.adapter, &config.model, options(config, selection.clone()), problem)?;
            let Some((product, configs)) = found else { continue };
            let message = format!("{number}/{} {}", wanted.len(), named(problem, config.precision));
            if bar.is_hidden() {
                self.console.say(&format!("{message}: {} candidates", configs.len()));
            }
            bar.set_message(message);
            bar.set_length(configs.len() as u64);
            bar.set_position(0);
            let measured = measure(&probe, product, &configs, Product::case, &mut |()| {
                bar.inc(1);
                if out_of_time() { ControlFlow::Break(()) } else { interrupt::requested(()) }
            })?;
            let Some(outcome) = measured else {
                bar.finish_and_clear();
                let end = if interrupt::requested(()).is_break() { End::Interrupted } else { End::OutOfTime };
                return Ok((outcomes, end));
            };
            if self.arguments.verbose {
                let say = |(config, why): &(_, String)| self.console.say(&format!("dropped {config}: {why}"));
                bar.suspend(|| outcome.dropped.iter().for_each(say));
            }
            if let Some(best) = outcome.best {
                selection.tuned.insert(problem.to_string(), best.config);
            }
            self.cache.put(&identity, &outcome);
            let kept = if self.arguments.dry_run { Ok(()) } else { self.cache.write(self.path) };
            outcomes.push(outcome);
            if let Err(error) = kept {
                bar.finish_and_clear();
                return Ok((outcomes, End::Unwritable(error)));
            }
        }
        bar.finish_and_clear();
        Ok((outcomes, End::Complete))
    }

    /// Prints what was measured.
    fn report(&self, configs: &[Config], outcomes: &[Outcome]) -> Result<()> {
        if !self.arguments.json.is_given() {
            return output::tables(&table(outcomes));
        }
        let measured =
            |Measured { config, seconds }: &Measured| json!({ "tile": config, "milliseconds": seconds * 1e3 });
        let product = |outcome: &Outcome| {
            json!({
                "product": outcome.problem.to_string(),
                "precision": outcome.precision,
                "candidates": outcome.candidates,
                "dropped": outcome.dropped.len(),
                "table": measured(&outcome.table),
                "best": outcome.best.as_ref().map(measured),
            })
        };
        let mut batches: Vec<usize> = configs.iter().map(|config| config.batch_size).collect();
        batches.dedup();
        output::json(&json!({
            "adapter": self.adapter.info.name.trim(),
            "backend": self.adapter.backend(),
            "device_type": self.adapter.device_type(),
            "batch_size": if let [one] = batches[..] { Some(one) } else { None },
            "cache": (!self.arguments.dry_run).then_some(self.path),
            "products": outcomes.iter().map(product).collect::<Vec<_>>(),
        }))
    }

    /// Says what was kept and where.
    fn conclude(mut self, outcomes: &[Outcome], wanted: usize, end: End) -> Result<()> {
        let (path, measured) = (self.path.display(), outcomes.len());
        let better = outcomes.iter().filter(|outcome| outcome.best.is_some()).count();
        let kept = match (self.arguments.dry_run, better) {
            (true, _) => "kept nothing, as asked for".to_owned(),
            (false, 0) => "the table's tiles stay".to_owned(),
            (false, _) => format!("'train' takes them from {path}"),
        };
        let message = format!("better tiles for {better} of {measured} products; {kept}");
        match end {
            End::Complete => self.console.say(&message),
            End::OutOfTime => {
                self.console.say(&format!("out of time after {measured} of {wanted} products: {message}"))
            }
            End::Unwritable(error) => return Err(error),
            End::Interrupted => {
                return Err(Error::Interrupted(format!("stopped after {measured} of {wanted} products: {message}")));
            }
        }
        Ok(())
    }
}

/// The step that a run with this configuration has.
fn options(config: &Config, tiles: GemmSelection) -> Options {
    let Config { model, batch_size, precision, .. } = config;
    Options { precision: *precision, ..Options::for_model(model, *batch_size, tiles, *batch_size) }
}

/// A product with its precision, where that is not f32.
fn named(problem: &GemmProblem, precision: Precision) -> String {
    if precision.is_f32() { problem.to_string() } else { format!("{problem} in {}", precision.name()) }
}

fn table(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        let milliseconds = |seconds: f64| format!("{:.2}", seconds * 1e3);
        let table = &outcome.table;
        let [best, time, gain] = match &outcome.best {
            None => ["the table's", "", ""].map(str::to_owned),
            Some(best) => {
                [best.config.to_string(), milliseconds(best.seconds), format!("{:.2}x", table.seconds / best.seconds)]
            }
        };
        vec![
            named(&outcome.problem, outcome.precision),
            table.config.to_string(),
            milliseconds(table.seconds),
            best,
            time,
            gain,
        ]
    };
    let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
    output::table(&["product", "table's tile", "ms", "best tile", "ms", "gain"], &rows)
}
