//! Options that several subcommands have. Where one of them says more of an option than is said here, it does so by
//! `mut_arg`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::console::Console;
use crate::augment::Views;
use crate::error::Result;
use crate::train::{BATCH_SIZE, check_batch_size};

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
    /// A console that says what it may.
    pub fn console(&self) -> Console {
        Console::new(self.quiet)
    }
}

/// `--batch-size` where no data set is that may be smaller.
#[derive(Args)]
pub struct BatchSizeOption {
    /// Samples a training step
    #[arg(short, long, default_value_t = BATCH_SIZE, value_name = "N")]
    batch_size: usize,
}

impl BatchSizeOption {
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) where no device could train with it.
    pub fn size(&self) -> Result<usize> {
        check_batch_size(self.batch_size).map(|()| self.batch_size)
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
