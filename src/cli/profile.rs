//! `gpu-fmnist profile`

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::console::Console;
use super::device::AdapterOption;
use super::options::{BatchSizeOption, JsonOption, PrecisionOption, SetOption, models};
use super::profile_report::{Report, Sort};
use super::tiling::TilesOption;
use super::{interrupt, modelled, output};
use crate::error::Result;
use crate::formats::{make_folder, write_own};
use crate::gemm::DeviceClass;
use crate::measure::{Synthetic, ceilings, profile};
use crate::plot::save;
use crate::train::Config;

/// Time every pass of a training step, and hold it against what the adapter can do at most.
#[derive(Args)]
#[command(after_help = format!("{NOTES}\n\n{}", super::exit_codes::EXIT_CODES))]
pub struct ProfileArguments {
    #[arg(long, help = models("a model's TOML file"), default_value = "cnn1", value_name = "NAME|FILE")]
    model: PathBuf,
    #[command(flatten)]
    set: SetOption,
    #[command(flatten)]
    batch: BatchSizeOption,
    #[command(flatten)]
    precision: PrecisionOption,
    /// Steps to time
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    steps: u32,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    tiles: TilesOption,
    /// Measure nothing, and model the step on these cards, with no GPU at hand: one or several, with commas
    #[arg(long, value_name = "CARD", value_delimiter = ',', conflicts_with_all = ["steps", "output", "sort"])]
    #[arg(value_parser = PossibleValuesParser::new(modelled::keys()))]
    model_gpu: Vec<String>,
    /// The table's order
    #[arg(long, value_enum, default_value_t = Sort::Plan)]
    sort: Sort,
    /// Write roofline.svg, roofline.png and trace.json into this folder
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    json: JsonOption,
}

/// clap wraps the lines to the terminal.
const NOTES: &str = "\
A time is the median over the steps, by the device's clock where it has one, of all passes of a layer's kernel. Operations are those the pass is \
for, bytes those that have to move at least: each value of its buffers once. 'of roof' is the part of what the \
adapter's measured arithmetic and bandwidth allow a pass with so many operations a byte; above 100 % the bytes came \
from a cache, or, on the CPU path, a product was of a better shape than the 1024 x 1024 x 1024 that its arithmetic is \
measured by. What no pass accounts for is the host's, and below zero where passes take longer one by one than in \
training. The images are pseudo-random. trace.json opens in https://ui.perfetto.dev.";

pub fn run(arguments: &ProfileArguments) -> Result<()> {
    if !arguments.model_gpu.is_empty() {
        return model(arguments);
    }
    let mut console = Console::new(false);
    let measured = measure(arguments, &mut console);
    // Neither a result nor an error follows the progress on its line.
    console.show_for_now("");
    let report = measured?;
    if arguments.json.is_given() {
        output::json(&report.json())
    } else {
        output::tables(&report.text(arguments.sort))
    }?;
    let Some(folder) = &arguments.output else { return Ok(()) };
    save(&report.roofline(), folder, "roofline")?;
    write_own(&folder.join("trace.json"), &report.trace())
}

/// What is trained, and in which steps.
fn config(arguments: &ProfileArguments) -> Result<Config> {
    let (model, recipe) = arguments.set.open(&arguments.model)?;
    let batch_size = arguments.batch.of(&recipe, &arguments.set)?;
    let mut config = Config { batch_size, ..Config::new(model, recipe) };
    arguments.precision.apply(&arguments.set, &mut config.precision);
    Ok(config)
}

/// Every pass on cards that are not there.
fn model(arguments: &ProfileArguments) -> Result<()> {
    let config = config(arguments)?;
    let batch = config.batch_size;
    let data = Synthetic::new(&config.model, batch);
    let training = data.setup(&config.model, DeviceClass::Gpu).configured(&config).plan()?;
    let report = modelled::Report::new(&config.model.name, batch, &training.steps, &arguments.model_gpu);
    if arguments.json.is_given() { output::json(&report.json()) } else { output::tables(&report.text()) }
}

fn measure(arguments: &ProfileArguments, console: &mut Console) -> Result<Report> {
    let config = config(arguments)?;
    let batch = config.batch_size;
    let model = &config.model;
    let device = arguments.adapter.device(console)?;
    let tiles = arguments.tiles.choose(&device, &config, console)?;
    let data = Synthetic::new(model, batch);
    let setup = data.setup(model, tiles).configured(&config);
    // What has no plan is found before anything is measured.
    setup.plan()?;
    arguments.output.as_deref().map_or(Ok(()), make_folder)?;
    interrupt::watch(console);
    let callback = &mut interrupt::requested;
    console.show_for_now("measuring the adapter's ceilings");
    let ceilings = ceilings(device.class(), &|plan| device.executor(plan), callback)?;
    console.show_for_now(&format!("timing {} steps", arguments.steps));
    let mut engine = setup.initialised(|plan| device.executor(plan))?;
    let profile = profile(&mut engine, &data, arguments.steps as usize, callback)?;
    Ok(Report { model: model.name.clone(), batch, steps: arguments.steps, device, ceilings, profile })
}
