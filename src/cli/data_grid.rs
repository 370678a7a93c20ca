//! `gpu-fmnist data grid`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::augment::AugmentOption;
use super::augmented_grid::AugmentedGrid;
use super::console::Console;
use super::names::NamesOption;
use super::options::DataDirOption;
use super::{dataset, output};
use crate::error::{Error, Result};
use crate::plot::{INK, Sample, Samples, save_as};
use crate::random::{Sequence, Stream};

/// Draw some samples with what they are, chosen at random; or with --augment, what training sees of them.
///
/// Then each row has a sample, as it is and as it is in the first epochs; with mixup or cutmix, what it is mixed with, too,
/// which is another sample of the grid. --seed is of the draws, too.
#[derive(Args)]
#[command(after_help = format!("{NOTE}\n\n{}", super::exit_codes::EXIT_CODES))]
#[command(mut_arg("data_dir", |argument| {
    argument.help("The data set's folder; by default the first of the usual ones that has it")
}))]
pub struct GridArguments {
    #[command(flatten)]
    grid: GridOptions,
    #[command(flatten)]
    augment: AugmentOption,
    /// The samples to choose from
    #[arg(long, value_enum, default_value_t = Part::Train)]
    split: Part,
    /// The picture to write: PNG or SVG, by its extension
    #[arg(short, long, default_value = "samples.png", value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    data: DataDirOption,
    #[command(flatten)]
    names: NamesOption,
}

/// clap wraps the lines to the terminal.
const NOTE: &str = "\
Grey images are drawn as ink on white paper: Fashion-MNIST's clothes, which are white on black, become black on white. \
A PNG of more than 67 million pixels is scaled down to them; an SVG never is.";

/// Which samples a grid shows, the same in every subcommand that draws one.
#[derive(Args)]
pub struct GridOptions {
    /// Images from top to bottom [default: 5, or as many as there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=30))]
    rows: Option<u16>,
    /// Images from left to right [default: 5, or as many as there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=30))]
    columns: Option<u16>,
    /// Of the choice
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Rows and columns, unless asked for.
const SIDE: usize = 5;

impl GridOptions {
    /// The rows and columns for so many samples.
    pub fn size(&self, samples: usize) -> [usize; 2] {
        let fit = |other: usize| samples.div_ceil(other).clamp(1, SIDE);
        match [self.rows, self.columns].map(|asked_for| asked_for.map(usize::from)) {
            [Some(rows), Some(columns)] => [rows, columns],
            [Some(rows), None] => [rows, (samples / rows).clamp(1, SIDE)],
            [None, Some(columns)] => [fit(columns), columns],
            [None, None] => [fit(fit(1)), fit(1)],
        }
    }

    /// As many as the grid has room for, at random; all of fewer.
    pub fn choose(&self, mut from: Vec<usize>) -> Vec<usize> {
        let [rows, columns] = self.size(from.len());
        Sequence::new(self.seed, Stream::Shuffling, 0).shuffle(&mut from);
        from.truncate(rows * columns);
        from
    }

    /// Says where the default is too large for so many samples.
    ///
    /// # Errors
    /// [`Error::Usage`] where what was asked for is.
    fn check(&self, samples: usize, console: &mut Console) -> Result<()> {
        let asked_for = [("--rows", self.rows), ("--columns", self.columns)];
        let asked_for: Vec<(&str, u16)> =
            asked_for.into_iter().filter_map(|(option, count)| Some((option, count?))).collect();
        if asked_for.iter().map(|&(_, count)| usize::from(count)).product::<usize>() > samples {
            let options: Vec<String> = asked_for.iter().map(|(option, count)| format!("{option} {count}")).collect();
            let problem = format!("{}: there are {samples} samples only", options.join(" "));
            return Err(Error::Usage(format!("{problem}; give fewer")));
        }
        let ([rows, columns], wanted) =
            (self.size(samples), [self.rows, self.columns].map(|n| n.map_or(SIDE, usize::from)));
        if wanted.iter().product::<usize>() > samples {
            let instead = format!("--rows {rows} --columns {columns} instead of {} and {}", wanted[0], wanted[1]);
            console.say(&format!("{instead}: there are no more samples"));
        }
        Ok(())
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Train,
    Test,
}

pub fn run(arguments: &GridArguments) -> Result<()> {
    let dataset = dataset::load_here(arguments.data.path())?;
    let samples = match arguments.split {
        Part::Train => &dataset.train,
        Part::Test => &dataset.test,
    };
    let names = arguments.names.of(&dataset)?;
    if let Some(augmentation) = arguments.augment.given()? {
        let GridOptions { rows, columns, seed } = arguments.grid;
        let grid = GridOptions { rows, columns: Some(1), seed };
        grid.check(samples.len(), &mut Console::new(false))?;
        let chosen = grid.choose((0..samples.len()).collect());
        AugmentedGrid { samples, names: &names, chosen, columns, augmentation, seed }.save(&arguments.output)?;
        return output::text(&format!("wrote {}\n", arguments.output.display()));
    }
    arguments.grid.check(samples.len(), &mut Console::new(false))?;

    let size: usize = samples.shape.iter().product();
    let sample = |&index: &usize| {
        let label = usize::from(samples.labels[index]);
        let (name, number) = (&names[label], label.to_string());
        let caption = if *name == number { number } else { format!("{name} ({number})") };
        Sample { pixels: &samples.images[index * size..][..size], caption, colour: INK }
    };
    let chosen = arguments.grid.choose((0..samples.len()).collect()).iter().map(sample).collect();
    let [_, columns] = arguments.grid.size(samples.len());
    save_as(&Samples { shape: samples.shape, columns, samples: chosen }, &arguments.output)?;
    output::text(&format!("wrote {}\n", arguments.output.display()))
}
