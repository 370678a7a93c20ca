//! Options that several subcommands have. Where one of them says more of an option than is said here, it does so by
//! `mut_arg`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::console::Console;
use crate::augment::Views;
use crate::error::Result;
use crate::model::{Model, ModelFile, NAMES};
use crate::precision::Precision;
use crate::recipe::Recipe;
use crate::train::check_batch_size;

/// What `--model` takes: the built-in networks' names, or `otherwise`.
pub fn models(otherwise: &str) -> String {
    format!("{}, or {otherwise}", NAMES.join(", "))
}

/// What `--precision` takes.
pub fn precisions() -> impl TypedValueParser<Value = Precision> {
    let named = |name: String| Precision::ALL.into_iter().find(|one| one.name() == name).unwrap_or_default();
    PossibleValuesParser::new(Precision::ALL.map(Precision::name)).map(named)
}

/// `--data-dir`
#[derive(Args)]
pub struct DataDirOption {
    /// The data set's folder; by default the first of the usual ones that has it, else it is fetched
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl DataDirOption {
    pub fn path(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// As if this were on the command line.
    pub fn give(&mut self, path: Option<&Path>) {
        self.data_dir = path.map(Path::to_owned);
    }
}

/// `--json`
#[derive(Args)]
pub struct JsonOption {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl JsonOption {
    pub fn is_given(&self) -> bool {
        self.json
    }
}

/// `--quiet`
#[derive(Args)]
pub struct QuietOption {
    /// No messages but errors
    #[arg(short, long)]
    quiet: bool,
}

impl QuietOption {
    pub fn is_given(&self) -> bool {
        self.quiet
    }

    /// A console that says what it may.
    pub fn console(&self) -> Console {
        Console::new(self.quiet)
    }
}

/// `--set`
#[derive(Args)]
pub struct SetOption {
    /// Another value for a key of the model's file, as in optimizer.beta_1=0.8 or layers.NAME.KEY=VALUE; several times
    #[arg(id = "set", long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

impl SetOption {
    /// The model of that name or file with these values, and how it is trained.
    ///
    /// # Errors
    /// See [`ModelFile::open`] and [`ModelFile::set`].
    pub fn open(&self, name: &Path) -> Result<(Model, Recipe)> {
        self.apply(ModelFile::open(name)?)
    }

    /// The same of a file that was read.
    ///
    /// # Errors
    /// See [`ModelFile::set`].
    pub fn apply(&self, mut file: ModelFile) -> Result<(Model, Recipe)> {
        file.set(&self.settings)?;
        file.parse()
    }

    /// Whether it gives that key a value.
    pub fn has(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.split('=').next().is_some_and(|own| own.trim() == key))
    }

    /// What a flag says of a key, where nothing is said of it here.
    pub fn unless<T>(&self, key: &str, flag: Option<T>, value: &mut T) {
        if let Some(flag) = flag.filter(|_| !self.has(key)) {
            *value = flag;
        }
    }
}

/// `--batch-size` where no data set is that may be smaller.
#[derive(Args)]
pub struct BatchSizeOption {
    /// Samples a training step [default: what the model's file says, or 512]
    #[arg(short, long, value_name = "N")]
    batch_size: Option<usize>,
}

impl BatchSizeOption {
    /// That of a model with this recipe.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) where no device could train with it.
    pub fn of(&self, recipe: &Recipe, set: &SetOption) -> Result<usize> {
        let mut size = recipe.training.batch_size;
        set.unless("training.batch_size", self.batch_size, &mut size);
        check_batch_size(size).map(|()| size)
    }
}

/// `--precision` where a model's file has a default for it.
#[derive(Args)]
pub struct PrecisionOption {
    /// In how many bits activations and their gradients are stored; weights and sums have 32 [default: what the model's
    /// file says, or f32]
    #[arg(long, value_parser = precisions())]
    precision: Option<Precision>,
}

impl PrecisionOption {
    /// What the flag says, where `--set` says nothing.
    pub fn apply(&self, set: &SetOption, precision: &mut Precision) {
        set.unless("training.precision", self.precision, precision);
    }
}

/// `--tta`
#[derive(Args)]
pub struct TtaOption {
    /// Test-time augmentation: see each picture several ways and take the mean of the logits. 'flip': the picture and its
    /// mirror image; 'flip,shift:1': those count half, and moved by a pixel each way along the diagonal a quarter each
    #[arg(long, value_name = "VIEWS")]
    tta: Option<String>,
}

impl TtaOption {
    /// The picture alone where nothing is asked for.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) for what is no view.
    pub fn views(&self) -> Result<Views> {
        self.tta.as_deref().map_or(Ok(Views::default()), str::parse)
    }
}
