//! `gpu-fmnist export`: networks. export_events.rs is for TensorBoard.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::names::NamesOption;
use super::options::precisions;
use super::trained::{CheckpointOption, ModelOption, Trained};
use super::{export_events, output};
use crate::error::{Error, Result};
use crate::formats::{Format, write_whole};
use crate::precision::Precision;

/// Write a trained network, or what its training came to, to a file for other programs.
#[derive(Args)]
#[command(after_help = format!("{NOTES}\n\n{}", super::exit_codes::EXIT_CODES))]
pub struct ExportArguments {
    /// A run's folder, or a network's file as 'evaluate --run' takes it; for tensorboard, a folder of runs, too
    #[arg(value_name = "RUN|FILE")]
    run: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointOption,
    #[command(flatten)]
    names: NamesOption,
    #[command(flatten)]
    model: ModelOption,
    /// The file's format [default: by the ending of --output]
    #[arg(long, value_parser = formats().map(|name| Wanted::named(&name)))]
    format: Option<Wanted>,
    /// In how many bits the weights are written, rounded to the nearest
    #[arg(long, default_value = "f32", value_parser = precisions())]
    precision: Precision,
    /// The file to write [default: the model's name in the run's folder]; for tensorboard, a folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What is to be written.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Network(Format),
    /// The scalars of steps and epochs.
    Events,
}

/// What they are called.
const EVENTS: &str = "tensorboard";

/// clap wraps the lines to the terminal.
const NOTES: &str = "\
Weights are called LAYER/kernel and LAYER/bias, of a batch normalization LAYER/gamma, beta, moving_mean and \
moving_variance, as 'summary' names the layers; their shapes are Keras', [height, width, channels, filters] or [inputs, units]. \
Images are [N, H, W, C], pixels / 255.

f16 and bf16 halve the file; programs that load it have float32 again, of those numbers: f16 has 11 significant bits and ends at \
65504, bf16 has 8 and float32's range, but is not known to HDF5 and NumPy.

onnx: opset 17, from 'images' [batch, H, W, C] to 'probabilities' [batch, classes]; kernels are [filters, channels, \
height, width] there. safetensors: the model and the names of the classes are in the metadata 'gpu-fmnist', as JSON; in \
onnx, too. keras-h5: a whole model for Keras 2 and 3, without the optimizer's state; keras: for Keras 3, of a run with the \
optimizer's state, so that 'fit' goes on; neither has the names of the classes. npz: the weights alone, for NumPy; this program does not read it back. tensorboard: \
no network, but the scalars of every step and epoch and the configuration, as 'train --tensorboard' writes them.";

pub fn run(arguments: &ExportArguments) -> Result<()> {
    if arguments.format == Some(Wanted::Events) {
        if arguments.names.is_given() {
            return Err(Error::Usage(format!("--class-names: a file of {EVENTS} has no place for them; leave it out")));
        }
        if arguments.precision != Precision::F32 {
            return Err(Error::Usage(format!("--precision: a file of {EVENTS} has no weights; leave it out")));
        }
        return export_events::run(&arguments.run, arguments.output.as_deref());
    }
    let format = format(arguments)?;
    if arguments.names.is_given() && !format.has_class_names() {
        let problem = format!("--class-names: a file of {} has no place for them", format.name());
        return Err(Error::Usage(format!("{problem}; leave it out, and give it to 'predict' and 'evaluate'")));
    }
    let mut trained = arguments.checkpoint.open(&arguments.run, &arguments.model)?.named(&arguments.names)?;
    trained.network.class_names = trained.known_names(None)?;
    let path = match &arguments.output {
        Some(path) => path.clone(),
        None => default_path(&trained, format)?,
    };
    let bytes = format.encode_in(&trained.network, arguments.precision)?;
    write_whole(&path, &bytes)?;
    let size = bytes.len() as f64 / 1e6;
    let example = format.python(&path, arguments.precision);
    let name = match arguments.precision {
        Precision::F32 => format.name().to_owned(),
        less => format!("{}, {}", format.name(), less.name()),
    };
    let before_fit =
        format.before_fit(&trained.network).map(|call| format!("before fit: {call}\n")).unwrap_or_default();
    let shown = path.display();
    output::text(&format!("wrote {shown} ({name}, {size:.1} MB)\nload it in Python: {example}\n{before_fit}"))
}

fn format(arguments: &ExportArguments) -> Result<Format> {
    if let Some(Wanted::Network(format)) = arguments.format {
        return Ok(format);
    }
    let names = Format::ALL.map(Format::name).join(", ");
    let Some(path) = &arguments.output else {
        return Err(Error::Usage(format!("no format; give --format, one of {names}, or --output")));
    };
    Format::by_ending(path).ok_or_else(|| {
        Error::Usage(format!("--output {}: its ending is no format's; give --format, one of {names}", path.display()))
    })
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::ALL.map(Format::name).into_iter().chain([EVENTS]))
}

impl Wanted {
    /// Of one of the [`formats`].
    fn named(name: &str) -> Self {
        Format::ALL.into_iter().find(|format| format.name() == name).map_or(Wanted::Events, Wanted::Network)
    }
}

/// The model's name in the run's folder.
fn default_path(trained: &Trained, format: Format) -> Result<PathBuf> {
    let name = format!("{}.{}", trained.network.model.name, format.extension());
    let folder: Option<&Path> = trained.run.as_ref().map(|run| run.folder.path());
    let no_folder = || Error::Usage(format!("{}: no run's folder to write to; give --output", trained.path.display()));
    Ok(folder.ok_or_else(no_folder)?.join(name))
}
