//! `gpu-fmnist predict`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::console::Console;
use super::device::AdapterOption;
use super::trained::{Part, Trained, TrainedOptions};
use super::{output, setup};
use crate::data::{Picture, Samples};
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::write_whole;
use crate::train::Source;

/// Ask a run's network what it sees: on your own pictures, or on samples of the data set.
#[derive(Args)]
#[command(after_help = format!("{PICTURES}\n\n{}", super::EXIT_CODES))]
pub struct PredictArguments {
    #[command(flatten)]
    trained: TrainedOptions,
    /// PNG or JPEG pictures of any size and mode, one garment on each
    #[arg(value_name = "IMAGE", conflicts_with_all = ["split", "output", "data_dir"])]
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
    /// The data set's folder; by default the run's own. Of another, only --split test is predicted
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

/// How many of a picture's classes are told.
const MOST: usize = 3;

pub fn run(arguments: &PredictArguments) -> Result<()> {
    let mut console = Console::new(arguments.quiet);
    let trained = arguments.trained.open()?;
    if arguments.images.is_empty() {
        samples(arguments, &trained, &mut console)
    } else {
        pictures(arguments, &trained, &mut console)
    }
}

fn samples(arguments: &PredictArguments, trained: &Trained, console: &mut Console) -> Result<()> {
    let device = arguments.adapter.device(console)?;
    let (dataset, samples) = trained.samples(arguments.data_dir.clone(), arguments.split, console)?;
    let (_, predictions) = setup::evaluator(trained, (&dataset).into(), &device)?.predict(&samples)?;
    match &arguments.output {
        Some(path) => write_whole(path, predictions.csv().as_bytes()),
        None => output::text(&predictions.csv()),
    }
}

fn pictures(arguments: &PredictArguments, trained: &Trained, console: &mut Console) -> Result<()> {
    let shape = trained.state.config.model.input;
    if !matches!(shape[2], 1 | 3) {
        let (path, channels) = (trained.path.display(), shape[2]);
        let problem = format!("the network's input has {channels} channels, a picture 1 or 3");
        return Err(Error::Usage(format!("{path}: {problem}; give no IMAGE but samples of the data set")));
    }
    // All are read before anything is computed: the first that is no picture ends it.
    let read = |path: &PathBuf| Picture::read(path, shape, arguments.invert.decided());
    let pictures = arguments.images.iter().map(read).collect::<Result<Vec<_>>>()?;
    // What they are is not known: the labels go unused.
    let images: Vec<u8> = pictures.iter().flat_map(|picture| &picture.pixels).copied().collect();
    let asked = Samples { images, labels: vec![0; pictures.len()], shape };
    let nothing = Samples { images: Vec::new(), labels: Vec::new(), shape };
    let source = Source { parts: [&asked, &nothing] };
    let device = arguments.adapter.device(console)?;
    let order: Vec<u32> = (0..).take(pictures.len()).collect();
    let (_, predictions) = setup::evaluator(trained, source, &device)?.predict(&order)?;
    let answers: Vec<(&Path, &Picture)> = arguments.images.iter().map(PathBuf::as_path).zip(&pictures).collect();
    let names = trained.class_names();
    if arguments.json {
        return output::json(&json!({
            "model": trained.state.config.model.name,
            "run_dir": trained.folder.path(),
            "checkpoint": trained.name,
            "adapter": device.name(),
            "pictures": answers.iter().enumerate().map(|(sample, (path, picture))| json!({
                "file": path,
                "inverted": picture.inverted,
                "classes": ranked(&predictions, sample).map(|(class, probability)| json!({
                    "class": class,
                    "name": names[class],
                    "probability": probability,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }));
    }
    let row = |(sample, (path, picture)): (usize, &(&Path, &Picture))| {
        let inverted = if picture.inverted { "yes" } else { "no" };
        let told = ranked(&predictions, sample)
            .map(|(class, probability)| format!("{} {:.1} %", names[class], 100.0 * probability));
        [path.display().to_string(), inverted.to_owned()].into_iter().chain(told).collect()
    };
    let rows: Vec<Vec<String>> = answers.iter().enumerate().map(row).collect();
    let headings = ["picture", "inverted", "likeliest", "second", "third"];
    output::text(&output::table(&headings[..rows[0].len()], &rows))
}

/// A sample's likeliest classes with their probabilities.
fn ranked(predictions: &Predictions, sample: usize) -> impl Iterator<Item = (usize, f64)> {
    let ranking = predictions.ranking(sample).into_iter().take(MOST);
    ranking.map(move |class| (class, predictions.probabilities(sample)[class]))
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
