//! `gpu-fmnist predict`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::console::Console;
use super::data_grid::GridOptions;
use super::device::AdapterOption;
use super::options::{DataDirOption, JsonOption, QuietOption, TtaOption};
use super::pictures::Pictures;
use super::trained::{Part, Trained, TrainedOptions};
use super::{dataset, output, setup};
use crate::data::{Dataset, Framing, Preparation};
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::write_whole;
use crate::plot::{self, INK, PALETTE, Sample, save_as};
use crate::train::Source;

/// Ask a trained network what it sees: on your own pictures, or on samples of the data set.
#[derive(Args)]
#[command(after_help = format!("{PICTURES}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_args(|argument| match argument.get_id().as_str() {
    "rows" | "columns" | "seed" => argument.requires("grid"),
    _ => argument,
}))]
#[command(mut_arg("data_dir", |argument| {
    argument.help(
        "The data set's folder; by default the run's own, or for a file the first of the usual ones that has it. \
        Of another than the run's, only --split test is predicted. With pictures: whose margins '--margins data' \
        takes"
    )
}))]
#[command(mut_arg("json", |argument| argument.help("Print the pictures' classes as a JSON object").requires("images")))]
pub struct PredictArguments {
    #[command(flatten)]
    trained: TrainedOptions,
    /// PNG, JPEG, WebP, BMP or GIF pictures of any size and mode, one garment (or whatever the network knows) on each;
    /// '-' is standard input
    #[arg(value_name = "IMAGE", conflicts_with_all = ["split", "output", "grid"])]
    images: Vec<PathBuf>,
    /// Whether to take the negative of the pictures
    #[arg(long, value_enum, default_value_t = Invert::Auto, requires = "images")]
    invert: Invert,
    /// How far from the edges of the network's input the garment on a picture is put
    #[arg(long, value_enum, default_value_t = Margins::Data, requires = "images")]
    margins: Margins,
    /// Write what the network saw of each picture into this folder, as PNG
    #[arg(long, value_name = "FOLDER", requires = "images")]
    save_prepared: Option<PathBuf>,
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
    #[command(flatten)]
    tta: TtaOption,
    #[command(flatten)]
    data: DataDirOption,
    #[command(flatten)]
    adapter: AdapterOption,
    #[command(flatten)]
    json: JsonOption,
    #[command(flatten)]
    quiet: QuietOption,
}

/// What is turned into its negative.
#[derive(Clone, Copy, ValueEnum)]
enum Invert {
    /// Where the garment is darker than what is around it; of cut-outs, where it is dark
    Auto,
    Yes,
    No,
}

/// Where the object on a picture is put.
#[derive(Clone, Copy, ValueEnum)]
enum Margins {
    /// Where the training images have theirs, as the run measured it; for a file, as Fashion-MNIST: none
    Data,
    /// No margins: its longer side is as long as the network's input
    None,
    /// Where the picture has it
    Keep,
}

/// clap wraps the lines to the terminal.
const PICTURES: &str = "\
Samples are predicted as a table, index,label,predicted,p0,p1..., with a sample's place in its file and the probability \
of each class.

Pictures are prepared as the training images were. A network for Fashion-MNIST knows bright garments on black, whose \
longer side is the input's. The background is estimated as an even, sloping or curved brightness that most of the \
outermost pixels have (after a thin frame), and taken away with the light on it; what differs from it by a twentieth, or \
by more than its noise, is the garment. Specks, faint shadows and lines along the edges are not. It is cut out, made \
brighter than its background (--invert says otherwise), scaled, antialiased and with its proportions, and put where \
--margins says. In a picture with transparent parts the garment is what is opaque. A picture that is no larger than the \
network's input, or whose margins are right within a pixel, keeps them. Networks whose training images have no even \
background get pictures as they are, scaled. --save-prepared shows what came of it.";

pub fn run(arguments: &PredictArguments) -> Result<()> {
    let mut console = arguments.quiet.console();
    let trained = arguments.trained.open()?;
    if arguments.images.is_empty() {
        return samples(arguments, &trained, &mut console);
    }
    let preparation = arguments.preparation(&trained, &mut console)?;
    let mut pictures = Pictures::read(&trained, &arguments.images, &preparation)?;
    let device = arguments.adapter.device(&mut console)?;
    let predictions = pictures.predict(&device, arguments.tta.views()?)?;
    let written = arguments.save_prepared.as_deref().map(|folder| pictures.save(folder)).transpose();
    match arguments.json.is_given() {
        true => output::json(&pictures.json(&predictions, &device)),
        false => output::tables(&pictures.text(&predictions)),
    }?;
    match written? {
        Some(line) if !arguments.json.is_given() => output::text(&line),
        _ => Ok(()),
    }
}

impl PredictArguments {
    /// What the pictures are to become.
    fn preparation(&self, trained: &Trained, console: &mut Console) -> Result<Preparation> {
        let framing = match self.data.path() {
            Some(folder) => Framing::of(&dataset::open(Some(folder), &trained.network.model, console)?.train),
            None => trained.run.as_ref().map_or_else(Framing::default, |run| run.state.framing),
        };
        let framing = match self.margins {
            Margins::Data => framing,
            Margins::None => framing.without_margins(),
            Margins::Keep => framing.with_margins_kept(),
        };
        Ok(Preparation { shape: trained.network.model.input, invert: self.invert.decided(), framing })
    }
}

fn samples(arguments: &PredictArguments, trained: &Trained, console: &mut Console) -> Result<()> {
    let device = arguments.adapter.device(console)?;
    let (dataset, samples) = trained.samples(arguments.data.path(), arguments.split, console)?;
    let names = trained.class_names(Some(&dataset))?;
    let (_, predictions) =
        setup::evaluator(trained, (&dataset).into(), &device, arguments.tta.views()?)?.predict(&samples)?;
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
        pixels: source.pixels(numbers[sample]).bytes(),
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
