//! `gpu-fmnist predict`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::console::Console;
use super::data_grid::GridOptions;
use super::device::AdapterOption;
use super::pictures::Pictures;
use super::trained::{Part, Trained, TrainedOptions};
use super::{output, setup};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::write_whole;
use crate::plot::{self, INK, PALETTE, Sample, save_as};
use crate::train::Source;

/// Ask a trained network what it sees: on your own pictures, or on samples of the data set.
#[derive(Args)]
#[command(after_help = format!("{PICTURES}\n\n{}", super::EXIT_CODES))]
#[command(mut_args(|argument| match argument.get_id().as_str() {
    "rows" | "columns" | "seed" => argument.requires("grid"),
    _ => argument,
}))]
pub struct PredictArguments {
    #[command(flatten)]
    trained: TrainedOptions,
    /// PNG or JPEG pictures of any size and mode, one garment on each
    #[arg(value_name = "IMAGE", conflicts_with_all = ["split", "output", "grid", "data_dir"])]
    images: Vec<PathBuf>,
    /// Whether to take the negative of the pictures
    #[arg(long, value_enum, default_value_t = Invert::Auto, requires = "images")]
    invert: Invert,
    /// The samples to predict, where no pictures are given
    #[arg(long, value_enum, default_value_t = Part::Test)]
    split: Part,
    /// Write the samples' table to a file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Draw some of the samples with what they are and what they were taken for, as PNG or SVG by the extension
    #[arg(long, value_name = "FILE")]
    grid: Option<PathBuf>,
    #[command(flatten)]
    chosen: GridOptions,
    /// Draw only samples that were taken for something else
    #[arg(long, requires = "grid")]
    only_wrong: bool,
    /// The data set's folder; by default the run's own, or for a file the first of the usual ones that has it. Of
    /// another than the run's, only --split test is predicted
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    adapter: AdapterOption,
    /// Print the pictures' classes as a JSON object
    #[arg(long, requires = "images")]
    json: bool,
    /// No messages but errors
    #[arg(short, long)]
    quiet: bool,
}

/// What is turned into its negative.
#[derive(Clone, Copy, ValueEnum)]
enum Invert {
    /// Pictures whose outermost pixels are bright
    Auto,
    Yes,
    No,
}

/// clap wraps the lines to the terminal.
const PICTURES: &str = "\
Samples are predicted as a table, index,label,predicted,p0,p1..., with a sample's place in its file and the probability \
of each class.

Pictures are prepared as Fashion-MNIST's authors prepared theirs. What is transparent becomes white paper (black with \
--invert no). The network knows bright garments on black: --invert auto takes the negative where the median of the \
outermost pixels is brighter than half. Rows and columns at the edges that differ from that median by a twentieth at \
most are cut off, unless the picture is no larger than the network's input. What is left is scaled, antialiased and \
with its proportions, until its longer side is the network's, and put in the middle.";

pub fn run(arguments: &PredictArguments) -> Result<()> {
    let mut console = Console::new(arguments.quiet);
    let trained = arguments.trained.open()?;
    if arguments.images.is_empty() {
        return samples(arguments, &trained, &mut console);
    }
    let pictures = Pictures::read(&trained, &arguments.images, arguments.invert.decided())?;
    let device = arguments.adapter.device(&mut console)?;
    let predictions = pictures.predict(&device)?;
    match arguments.json {
        true => output::json(&pictures.json(&predictions, &device)),
        false => output::tables(&pictures.text(&predictions)),
    }
}

fn samples(arguments: &PredictArguments, trained: &Trained, console: &mut Console) -> Result<()> {
    let device = arguments.adapter.device(console)?;
    let (dataset, samples) = trained.samples(arguments.data_dir.clone(), arguments.split, console)?;
    let names = trained.class_names(Some(&dataset))?;
    let (_, predictions) = setup::evaluator(trained, (&dataset).into(), &device)?.predict(&samples)?;
    if arguments.grid.is_none() && arguments.output.is_none() {
        return output::text(&predictions.csv());
    }
    let wrote = |path: &PathBuf| output::text(&format!("wrote {}\n", path.display()));
    // One of them that cannot be written does not keep the other from it.
    let drawn = arguments.grid.as_ref().map_or(Ok(()), |path| {
        draw(path, arguments, (&predictions, &names), &dataset, &samples)?;
        wrote(path)
    });
    let table = arguments.output.as_ref().map_or(Ok(()), |path| {
        write_whole(path, predictions.csv().as_bytes())?;
        wrote(path)
    });
    drawn.and(table)
}

/// The notebook's grid: what samples are and what they were taken for, mistakes in colour.
fn draw(
    path: &Path,
    arguments: &PredictArguments,
    (predictions, names): (&Predictions, &[String]),
    dataset: &Dataset,
    numbers: &[u32],
) -> Result<()> {
    let wrong = |&sample: &usize| predictions.predicted(sample) != predictions.labels[sample];
    let from = (0..predictions.len()).filter(|sample| !arguments.only_wrong || wrong(sample)).collect();
    let source = Source::from(dataset);
    let sample = |sample: usize| Sample {
        pixels: source.sample(numbers[sample]).0,
        caption: format!(
            "Actual = {}\nPredicted = {}",
            names[predictions.labels[sample]],
            names[predictions.predicted(sample)]
        ),
        colour: if wrong(&sample) { PALETTE[1] } else { INK },
    };
    let samples: Vec<Sample> = arguments.chosen.choose(from).into_iter().map(sample).collect();
    if samples.is_empty() {
        return Err(Error::Usage("--only-wrong: every sample was taken for what it is; leave it out".into()));
    }
    let [_, columns] = arguments.chosen.size(samples.len());
    save_as(&plot::Samples { shape: dataset.train.shape, columns, samples }, path)
}

impl Invert {
    fn decided(self) -> Option<bool> {
        match self {
            Invert::Auto => None,
            Invert::Yes => Some(true),
            Invert::No => Some(false),
        }
    }
}
