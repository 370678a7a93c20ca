//! `gpu-fmnist bench --target-accuracy`: what recipes reach, a run a seed, and what that costs.

use std::path::{Path, PathBuf};

use clap::Args;

use super::accuracy_report::{Contender, Outcome, Report};
use super::console::Console;
use super::device::Device;
use super::options::{DataDirOption, TtaOption};
use super::ranks::Ranks;
use super::recipe::RecipeOptions;
use super::split::SplitOptions;
use super::tiling::TilesOption;
use super::trained::Part;
use super::{dataset, interrupt, setup};
use crate::augment::Views;
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::formats::{Network, make_folder};
use crate::model::ModelFile;
use crate::train::{Config, Metrics, State};

/// The options that a bench of speed has no use for.
#[derive(Args)]
pub struct AccuracyOptions {
    /// Measure what training reaches: train each model by its whole recipe, once a seed, and count the runs that are at
    /// least so accurate after their last epoch, 0.93 say
    #[arg(long, value_name = "ACCURACY", value_parser = part, conflicts_with_all = ["steps", "repeats"])]
    target_accuracy: Option<f64>,
    /// Runs of each model, which differ in the seed
    #[arg(long, default_value_t = 5, value_name = "N", requires = TARGET)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// The first seed: of the initial weights, the shuffling, the dropout and the augmentation
    #[arg(long, default_value_t = 0, requires = TARGET)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    /// The samples to measure the accuracy on; while a recipe is sought, those are the validation's
    #[arg(long, value_enum, default_value_t = Part::Test, requires = TARGET)]
    split: Part,
    #[command(flatten)]
    tta: TtaOption,
    #[command(flatten)]
    parts: SplitOptions,
    #[command(flatten)]
    data: DataDirOption,
    /// Where accuracy.csv, a row a run, and accuracy.{svg,png} go
    #[arg(short, long, default_value = "bench", value_name = "FOLDER", requires = TARGET)]
    output: PathBuf,
}

/// The option that the others go with.
pub const TARGET: &str = "target_accuracy";

/// A part of all samples.
fn part(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(part) if part > 0.0 && part <= 1.0 => Ok(part),
        _ => Err("not a part of all samples; give one such as 0.93".into()),
    }
}

/// What all runs have in common.
pub struct Bench<'a> {
    pub options: &'a AccuracyOptions,
    pub recipe: &'a RecipeOptions,
    pub tiles: &'a TilesOption,
    pub console: &'a mut Console,
}

impl AccuracyOptions {
    /// Whether what training reaches is to be measured, and not how fast a step is.
    pub fn are_given(&self) -> bool {
        self.target_accuracy.is_some()
    }

    /// The folder of the table and the picture.
    pub fn folder(&self) -> &Path {
        &self.output
    }

    /// The numbers of the samples that the accuracy is measured on.
    fn samples(&self, split: &Split, dataset: &Dataset) -> Vec<u32> {
        let count = dataset.train.len() as u32;
        match self.split {
            Part::Test => (count..count + dataset.test.len() as u32).collect(),
            Part::Validation => split.validation.clone(),
            Part::Train => split.train.clone(),
        }
    }
}

impl Bench<'_> {
    /// Trains every model on every device, seed by seed; the devices take turns. What was finished is in the report,
    /// whatever ended the bench.
    ///
    /// # Errors
    /// Where models, data and devices do not fit; in the pair, what ended the bench early.
    pub fn measure(&mut self, names: &[&Path], devices: Vec<Device>) -> Result<(Report, Result<()>)> {
        let options = self.options;
        let views = options.tta.views()?;
        let configs = names.iter().map(|name| self.config(name, views)).collect::<Result<Vec<Config>>>()?;
        let dataset = dataset::load(options.data.path(), self.console)?;
        let mut report = Report {
            target: options.target_accuracy.unwrap_or(1.0),
            part: options.split.name(),
            views,
            seeds: options.seeds as usize,
            devices,
            contenders: Vec::new(),
        };
        for mut config in configs {
            dataset::check(&dataset, &config.model)?;
            self.recipe.fit(&mut config, dataset.train.len(), self.console)?;
            let split = config.split(dataset.train.len())?;
            let samples = [split.train.len(), options.samples(&split, &dataset).len()];
            for (adapter, device) in report.devices.iter().enumerate() {
                let tiles = self.tiles.choose(device, &config, self.console)?;
                let config = Config { tiles, ..config.clone() };
                report.contenders.push(Contender::new(config, adapter, samples)?);
            }
        }
        make_folder(&options.output)?;
        interrupt::watch(self.console);
        let ended = self.runs(&mut report, &dataset);
        Ok((report, ended))
    }

    /// The configuration of the model's runs, but for their seeds.
    fn config(&self, name: &Path, views: Views) -> Result<Config> {
        let (options, recipe) = (self.options, self.recipe);
        let mut config = recipe.config(ModelFile::open(name)?)?;
        let fraction = options.parts.validation_fraction;
        recipe.set.unless("training.validation_fraction", fraction, &mut config.validation_fraction);
        config.split_seed = options.parts.split_seed;
        config.check()?;
        views.check(config.model.input)?;
        if options.split == Part::Validation && !config.validates() {
            let problem = format!("--split validation: {} holds no samples out", config.model.name);
            return Err(Error::Usage(format!("{problem}; give a --validation-fraction such as 0.08333")));
        }
        Ok(config)
    }

    fn runs(&mut self, report: &mut Report, dataset: &Dataset) -> Result<()> {
        let (devices, all) = (report.devices.len(), report.contenders.len());
        for first in (0..all).step_by(devices.max(1)) {
            for seed in (self.options.seed..).take(report.seeds) {
                for place in first..first + devices {
                    let contender = &report.contenders[place];
                    let title = format!("{}, seed {seed}", report.name(contender));
                    let device = &report.devices[contender.adapter];
                    let config = Config { seed, ..contender.config.clone() };
                    let outcome = self.outcome(config, device, (dataset, report.views), &title);
                    let outcome = outcome.map_err(|error| self.interrupted(report, error))?;
                    self.console.say(&format!("{title}: {}", report.line(&outcome)));
                    report.contenders[place].outcomes.push(outcome);
                    report.write_table(&self.options.output)?;
                }
            }
        }
        Ok(())
    }

    /// A run from its beginning to its end.
    fn outcome(
        &mut self,
        config: Config,
        device: &Device,
        (dataset, views): (&Dataset, Views),
        title: &str,
    ) -> Result<Outcome> {
        let seed = config.seed;
        let state = State::new(config, dataset::hashes(dataset), device.identity());
        let mut trainer = setup::trainer(state, dataset, device, &Ranks::alone(), false, self.console)?;
        let (steps, mut seconds) = (trainer.steps(), 0.0);
        while !trainer.state().is_complete() {
            let (epoch, config) = (trainer.state().epoch + 1, &trainer.state().config);
            let (epochs, batch) = (config.epochs, config.batch_size as u64);
            let mut callback = |metrics: Metrics| {
                let step = metrics.samples.div_ceil(batch);
                self.console.show_for_now(&format!("{title}: epoch {epoch}/{epochs}, step {step}/{steps}"));
                interrupt::requested(())
            };
            match trainer.epoch(&mut callback)? {
                Some(finished) if interrupt::requested(()).is_continue() => {
                    seconds += finished.seconds_per_step * steps as f64;
                }
                _ => return Err(Error::Interrupted(String::new())),
            }
        }
        let samples = self.options.samples(trainer.split(), dataset);
        let (_, predictions) = trainer.predict(&samples)?;
        let mut outcome = Outcome { seed, seconds, accuracy: predictions.top(1), tta_accuracy: None };
        if !views.is_one() {
            let config = trainer.state().config.clone();
            let network = Network::new(config.model.clone(), trainer.weights()?);
            // A device need not have room for both.
            drop(trainer);
            let (run, precision, source) = (Some(&config), config.precision, dataset.into());
            let mut evaluator = device.evaluator(&network, Path::new(title), run, precision, source, views)?;
            outcome.tta_accuracy = Some(evaluator.predict(&samples)?.1.top(1));
        }
        Ok(outcome)
    }

    fn interrupted(&self, report: &Report, error: Error) -> Error {
        let Error::Interrupted(_) = error else { return error };
        let runs: usize = report.contenders.iter().map(|contender| contender.outcomes.len()).sum();
        let folder = self.options.output.display();
        Error::Interrupted(match runs {
            0 => "interrupted before the end of the first run".into(),
            runs => format!("interrupted; {runs} finished runs are in {folder}/accuracy.csv"),
        })
    }
}
