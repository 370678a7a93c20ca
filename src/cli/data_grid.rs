//! `gpu-fmnist data grid`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{data, output};
use crate::data::class_names;
use crate::error::{Error, Result};
use crate::plot::{INK, Sample, Samples, save_as};
use crate::random::{Sequence, Stream};

/// Draw some samples with what they are, chosen at random.
#[derive(Args)]
#[command(after_help = format!("{NOTE}\n\n{}", super::EXIT_CODES))]
pub struct GridArguments {
    #[command(flatten)]
    grid: GridOptions,
    /// The samples to choose from
    #[arg(long, value_enum, default_value_t = Part::Train)]
    split: Part,
    /// The picture to write: PNG or SVG, by its extension
    #[arg(short, long, default_value = "samples.png", value_name = "FILE")]
    output: PathBuf,
    /// The data set's folder; by default the first of the usual ones that has it
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// clap wraps the lines to the terminal.
const NOTE: &str = "\
Grey images are drawn as ink on white paper: Fashion-MNIST's clothes, which are white on black, become black on white.";

/// Which samples a grid shows, the same in every subcommand that draws one.
#[derive(Args)]
pub struct GridOptions {
    /// Images from top to bottom
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=30))]
    rows: u16,
    /// Images from left to right
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=30))]
    columns: u16,
    /// Of the choice
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl GridOptions {
    pub fn columns(&self) -> usize {
        usize::from(self.columns)
    }

    /// As many as the grid has room for, at random; all of fewer.
    pub fn choose(&self, mut from: Vec<usize>) -> Vec<usize> {
        Sequence::new(self.seed, Stream::Shuffling, 0).shuffle(&mut from);
        from.truncate(usize::from(self.rows) * usize::from(self.columns));
        from
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Train,
    Test,
}

pub fn run(arguments: &GridArguments) -> Result<()> {
    let dataset = data::load(arguments.data_dir.as_deref())?;
    let samples = match arguments.split {
        Part::Train => &dataset.train,
        Part::Test => &dataset.test,
    };
    let GridOptions { rows, columns, .. } = arguments.grid;
    if samples.len() < usize::from(rows) * usize::from(columns) {
        let problem = format!("--rows {rows} --columns {columns}: there are {} samples only", samples.len());
        return Err(Error::Usage(format!("{problem}; give fewer")));
    }
    let labels = dataset.train.labels.iter().chain(&dataset.test.labels);
    let classes = labels.max().map_or(0, |&label| usize::from(label) + 1);
    let names = class_names(dataset.hashes.iter().map(|(_, hash)| hash), classes);

    let size: usize = samples.shape.iter().product();
    let sample = |&index: &usize| {
        let label = usize::from(samples.labels[index]);
        let (name, number) = (&names[label], label.to_string());
        let caption = if *name == number { number } else { format!("{name} ({number})") };
        Sample { pixels: &samples.images[index * size..][..size], caption, colour: INK }
    };
    let chosen = arguments.grid.choose((0..samples.len()).collect()).iter().map(sample).collect();
    save_as(&Samples { shape: samples.shape, columns: arguments.grid.columns(), samples: chosen }, &arguments.output)?;
    output::text(&format!("wrote {}\n", arguments.output.display()))
}
