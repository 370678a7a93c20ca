//! `gpu-fmnist data`

use clap::{Args, Subcommand};
use serde_json::json;

use super::console::Console;
use super::options::{DataDirOption, JsonOption};
use super::{data_grid, dataset, output};
use crate::data::{self, FILES, Split, k_folds, train_validation_split};
use crate::error::{Error, Result};

/// Fetch, verify, look at or split the data set.
#[derive(Subcommand)]
#[command(after_help = super::exit_codes::EXIT_CODES)]
pub enum DataCommand {
    Fetch(FetchArguments),
    Verify(VerifyArguments),
    Grid(data_grid::GridArguments),
    Split(SplitArguments),
}

/// Fetch Fashion-MNIST from the first place that has it, and verify it.
#[derive(Args)]
#[command(mut_arg("data_dir", |argument| {
    argument.help("Where to put the four files; by default this program's folder in your cache")
}))]
pub struct FetchArguments {
    #[command(flatten)]
    data: DataDirOption,
}

/// Check that the data set is whole and is Fashion-MNIST; exit code 3 if not.
#[derive(Args)]
#[command(mut_arg("data_dir", |argument| {
    argument.help("The data set's folder; by default the first of the usual ones that has it")
}))]
pub struct VerifyArguments {
    #[command(flatten)]
    data: DataDirOption,
}

/// Print which samples train and which validate: exactly scikit-learn's train_test_split or shuffled KFold.
#[derive(Args)]
#[command(mut_arg("data_dir", |argument| argument.help("The data set's folder")))]
#[command(mut_arg("json", |argument| {
    argument.help("Print the indices: an object with \"train\" and \"validation\", or an array of those for --folds")
}))]
pub struct SplitArguments {
    /// Samples to split; by default as many as the data set has to train with
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// The part to validate with
    #[arg(long, value_name = "FRACTION", default_value_t = 0.2, conflicts_with = "folds", allow_hyphen_values = true)]
    validation_fraction: f64,
    /// Split into that many folds, each of which validates once
    #[arg(long, value_name = "K")]
    folds: Option<usize>,
    /// scikit-learn's random_state
    #[arg(long, default_value_t = 2020)]
    seed: u32,
    #[command(flatten)]
    data: DataDirOption,
    #[command(flatten)]
    json: JsonOption,
}

pub fn run(command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::Fetch(arguments) => fetch(arguments),
        DataCommand::Verify(arguments) => verify(arguments),
        DataCommand::Grid(arguments) => data_grid::run(arguments),
        DataCommand::Split(arguments) => split(arguments),
    }
}

fn fetch(arguments: &FetchArguments) -> Result<()> {
    let folder = arguments.data.path().map_or_else(dataset::cache, |folder| Ok(folder.to_owned()))?;
    dataset::fetch(&folder, &mut Console::new(false))?;
    output::text(&format!("Fashion-MNIST is in {}\n", folder.display()))
}

fn verify(arguments: &VerifyArguments) -> Result<()> {
    let dataset = dataset::load_here(arguments.data.path())?;
    let mut files = FILES.iter().zip(&dataset.hashes).zip(&dataset.files);
    if let Some((_, path)) = files.find(|((file, (_, hash)), _)| file.sha256 != hash) {
        let (problem, remedy) = match data::fetch_again(path) {
            Some(remedy) => ("so the file is damaged", remedy),
            None => ("so this is another data set", "give Fashion-MNIST's folder with --data-dir".into()),
        };
        let path = path.display();
        return Err(Error::Data(format!("{path}: the checksum is not Fashion-MNIST's, {problem}; {remedy}")));
    }
    let names: String = dataset.hashes.iter().map(|(name, hash)| format!("  {name}  sha256 {hash}  ok\n")).collect();
    let (train, test) = (dataset.train.len(), dataset.test.len());
    let folder = dataset.folder.display();
    output::text(&format!("{folder}: {train} training and {test} test images, as published\n{names}"))
}

fn split(arguments: &SplitArguments) -> Result<()> {
    let count = match arguments.count {
        Some(count) => count,
        None => dataset::load_here(arguments.data.path())?.train.len(),
    };
    let spelled = |split: &Split| json!({ "train": split.train, "validation": split.validation });
    let counts = |split: &Split| format!("{} to train, {} to validate\n", split.train.len(), split.validation.len());
    if let Some(folds) = arguments.folds {
        let splits = k_folds(count, folds, arguments.seed)?;
        return match arguments.json.is_given() {
            true => output::json(&splits.iter().map(spelled).collect::<Vec<_>>()),
            false => {
                let line = |(number, split)| format!("fold {number}: {}", counts(split));
                output::text(&(1..).zip(&splits).map(line).collect::<String>())
            }
        };
    }
    let split = train_validation_split(count, arguments.validation_fraction, arguments.seed)?;
    if arguments.json.is_given() { output::json(&spelled(&split)) } else { output::text(&counts(&split)) }
}
