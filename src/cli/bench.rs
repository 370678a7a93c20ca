//! `gpu-fmnist bench`

use std::path::{Path, PathBuf};

use clap::Args;

use super::accuracy::{AccuracyOptions, Bench, TARGET};
use super::bench_report::{Outcome, Report};
use super::console::Console;
use super::device::{AdaptersOption, Device};
use super::options::{JsonOption, models};
use super::recipe::RecipeOptions;
use super::tiling::TilesOption;
use super::{interrupt, output};
use crate::error::Result;
use crate::measure::{Ceilings, StepBench, Synthetic, ceilings};
use crate::model::ModelFile;
use crate::train::Config;

/// Measure how fast training steps are, or what whole trainings reach, on one adapter or on several in turn.
#[derive(Args)]
#[command(after_help = format!("{NOTES}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_arg("batch_size", |argument| {
    argument.help("Samples a training step [default: what the model's file says, or 512]")
}))]
#[command(mut_arg("validation_fraction", |argument| {
    argument.help("The part of the training samples to hold out [default: what the model's file says, or 0.2]")
}))]
#[command(mut_args(|argument| match WITH_TARGET.contains(&argument.get_id().as_str()) {
    true => argument.requires(TARGET),
    false => argument,
}))]
pub struct BenchArguments {
    #[arg(long, help = models(MANY), default_value = "cnn1", value_name = "NAME|FILE", value_delimiter = ',')]
    model: Vec<PathBuf>,
    #[command(flatten)]
    recipe: RecipeOptions,
    #[command(flatten)]
    accuracy: AccuracyOptions,
    /// Steps of one repeat [default: as many as take half a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: Option<u32>,
    /// Repeats, whose median counts
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=1000))]
    repeats: u32,
    #[command(flatten)]
    adapters: AdaptersOption,
    #[command(flatten)]
    tiles: TilesOption,
    #[command(flatten)]
    json: JsonOption,
}

/// Other commands' options that only whole trainings have use for.
const WITH_TARGET: [&str; 7] =
    ["epochs", "micro_batch", "learning_rate", "tta", "split_seed", "validation_fraction", "data_dir"];

/// What `--model all` stands for: with the others, whose steps take seconds, it would take long.
const ALL: [&str; 4] = ["cnn1", "cnn2", "cnn3", "fast93"];
const MANY: &str = "a model's TOML file; several with commas between them; all: cnn1,cnn2,cnn3,fast93";

/// clap wraps the lines to the terminal.
const NOTES: &str = "\
Before anything is timed, three steps are compared with the CPU path's, each from the same weights: losses, gradients and \
updates. Where they differ, no number is printed and the exit code is 1. Times are the host's, from a repeat's first upload until the device \
is done, after a warm-up. The adapters take turns, repeat by repeat; 'ratio' is how many times as fast as the first one an adapter is, the median of the repeats' own. \
'of ceiling' is the part of the most arithmetic that the adapter was measured to do. The images are pseudo-random and \
part of the memory. Start-up is until the first step is done; a driver may have kept shaders compiled since earlier.

With --target-accuracy: FLOP are 6 for each multiply-accumulate of convolutions and dense layers and each sample seen; seconds are those of \
the training alone. Deviations are of n - 1. The picture has each network's better mean, with --tta or without. JSON has all runs. Ctrl-C prints \
what is finished.";

pub fn run(arguments: &BenchArguments) -> Result<()> {
    let mut console = Console::new(false);
    let names: Vec<&Path> = arguments.model.iter().flat_map(|name| models_of(name)).collect();
    if arguments.accuracy.are_given() {
        return accuracy(arguments, &names, &mut console);
    }
    let measured = measure(arguments, &names, &mut console);
    // Neither a result nor an error follows the progress on its line.
    console.show_for_now("");
    let report = measured?;
    if arguments.json.is_given() { output::json(&report.json()) } else { output::tables(&report.text()) }
}

/// The models that a name stands for.
fn models_of(name: &Path) -> Vec<&Path> {
    match name.to_str() {
        Some("all") => ALL.map(Path::new).to_vec(),
        _ => vec![name],
    }
}

/// What trainings reach; what is finished is told, whatever ended the bench.
fn accuracy(arguments: &BenchArguments, names: &[&Path], console: &mut Console) -> Result<()> {
    let BenchArguments { accuracy: options, recipe, tiles, .. } = arguments;
    let devices = arguments.adapters.devices(console)?;
    let (report, ended) = Bench { options, recipe, tiles, console: &mut *console }.measure(names, devices)?;
    console.show_for_now("");
    if report.is_empty() {
        return ended;
    }
    let drawn = report.draw(options.folder());
    if arguments.json.is_given() {
        output::json(&report.json())?;
    } else {
        output::tables(&report.text())?;
    }
    ended.and(drawn)?;
    console.say(&format!("wrote accuracy.csv and accuracy.{{svg,png}} into {}", options.folder().display()));
    Ok(())
}

fn measure(arguments: &BenchArguments, names: &[&Path], console: &mut Console) -> Result<Report> {
    let config = |name: &&Path| {
        let config = arguments.recipe.config(ModelFile::open(name)?)?;
        config.check().map(|()| config)
    };
    let configs = names.iter().map(config).collect::<Result<Vec<Config>>>()?;
    let devices = arguments.adapters.devices(console)?;
    interrupt::watch(console);
    let measure = |device: &Device| {
        console.show_for_now(&format!("{}: measuring its ceilings", device.name()));
        ceilings(device.class(), &|plan| device.executor(plan), &mut interrupt::requested)
    };
    let ceilings = devices.iter().map(measure).collect::<Result<Vec<Ceilings>>>()?;
    let mut outcomes = Vec::new();
    for config in &configs {
        outcomes.extend(bench(arguments, config, &devices, console)?);
    }
    Ok(Report { devices, ceilings, outcomes })
}

/// One model on all adapters: compared, warmed up, and timed in turn.
fn bench(
    arguments: &BenchArguments,
    config: &Config,
    devices: &[Device],
    console: &mut Console,
) -> Result<Vec<Outcome>> {
    let Config { model, batch_size: batch, .. } = config;
    let batch = *batch;
    let data = Synthetic::new(model, batch);
    let mut measured = Vec::new();
    for (adapter, device) in devices.iter().enumerate() {
        console.show_for_now(&format!("{} on {}: comparing with the CPU path, warming up", model.name, device.name()));
        let tiles = arguments.tiles.choose(device, config, console)?;
        let setup = data.setup(model, tiles).configured(config);
        let name = device.describe();
        let bench = StepBench::new(&setup, &data, (&name, &|plan| device.executor(plan)), &mut interrupt::requested)?;
        let steps = arguments.steps.map_or(bench.steps, |steps| steps as usize);
        let StepBench { operations, memory, start_up, used, .. } = bench;
        let (model, seconds) = (model.name.clone(), Vec::new());
        measured.push((bench, Outcome { adapter, model, batch, seconds, steps, operations, memory, start_up, used }));
    }
    for repeat in 1..=arguments.repeats {
        console.show_for_now(&format!("{}: repeat {repeat} of {}", model.name, arguments.repeats));
        for (bench, outcome) in &mut measured {
            outcome.seconds.push(bench.time(outcome.steps, &mut interrupt::requested)?);
        }
    }
    Ok(measured.into_iter().map(|(_, outcome)| outcome).collect())
}
