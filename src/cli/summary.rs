//! `gpu-fmnist summary`

use std::path::PathBuf;

use clap::Args;

use super::options::SetOption;
use super::output;
use crate::error::Result;
use crate::model;

/// Print a model's layers, shapes and parameters, as Keras does.
#[derive(Args)]
pub struct SummaryArguments {
    /// cnn1, cnn2, cnn3, or a model's TOML file
    #[arg(long, default_value = "cnn1", value_name = "NAME|FILE")]
    model: PathBuf,
    #[command(flatten)]
    set: SetOption,
}

pub fn run(arguments: &SummaryArguments) -> Result<()> {
    let (model, _) = arguments.set.open(&arguments.model)?;
    output::tables(&model::summary(&model)?)
}
