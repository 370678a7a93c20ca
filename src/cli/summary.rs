//! `gpu-fmnist summary`

use std::path::PathBuf;

use clap::Args;

use super::options::{SetOption, models};
use super::output;
use crate::error::Result;
use crate::model::{self, multiply_accumulates, thousands};

/// Print a model's layers, shapes and parameters, as Keras does, and how much arithmetic a picture takes.
///
/// Multiply-accumulates are those of convolutions and dense layers, forward; training takes six floating-point operations
/// for each of them and each sample seen.
#[derive(Args)]
pub struct SummaryArguments {
    #[arg(long, help = models("a model's TOML file"), default_value = "cnn1", value_name = "NAME|FILE")]
    model: PathBuf,
    #[command(flatten)]
    set: SetOption,
}

pub fn run(arguments: &SummaryArguments) -> Result<()> {
    let (model, _) = arguments.set.open(&arguments.model)?;
    let operations = thousands(multiply_accumulates(&model)?);
    output::tables(&format!("{} Multiply-accumulates an image: {operations}\n", model::summary(&model)?))
}
