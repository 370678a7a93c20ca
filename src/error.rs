//! Everything that can go wrong, by what the user can do about it. Each kind has its own exit code.

use std::process::ExitCode;

/// An error whose text is one line that names the thing at fault and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Exit code 1: anything that has no kind of its own.
    #[error("{0}")]
    Failed(String),
    /// Exit code 2: the command line or a model file asks for something impossible.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3: the data set, a checkpoint, a picture or a run's metrics are missing or corrupt.
    #[error("{0}")]
    Data(String),
    /// Exit code 4: no such adapter, or the adapter's limits are too small.
    #[error("{0}")]
    Adapter(String),
    /// Exit code 5: the device was lost or is out of memory.
    #[error("{0}")]
    Device(String),
    /// Exit code 6: the loss is no longer a finite number.
    #[error("{0}")]
    Diverged(String),
    /// Exit code 130: stopped by Ctrl-C after saving.
    #[error("{0}")]
    Interrupted(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The exit code of the process that fails with this error.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Error::Failed(_) => 1,
            Error::Usage(_) => 2,
            Error::Data(_) => 3,
            Error::Adapter(_) => 4,
            Error::Device(_) => 5,
            Error::Diverged(_) => 6,
            Error::Interrupted(_) => 130,
        })
    }
}
