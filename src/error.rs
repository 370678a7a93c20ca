//! Everything that can go wrong, by what the user can do about it. Each kind has its own exit code.

use std::io::{self, ErrorKind};
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
    /// Exit code 5: the device was lost, does not answer or is out of memory.
    #[error("{0}")]
    Device(String),
    /// Exit code 6: the loss is no longer a finite number.
    #[error("{0}")]
    Diverged(String),
    /// Exit code 7: another process does the same task.
    #[error("{0}")]
    Busy(String),
    /// Exit code 130: stopped by Ctrl-C after saving.
    #[error("{0}")]
    Interrupted(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The exit code of the process that fails with this error.
    pub fn exit_code(&self) -> ExitCode {
        self.code().into()
    }

    /// The same as a number.
    pub fn code(&self) -> u8 {
        match self {
            Error::Failed(_) => 1,
            Error::Usage(_) => 2,
            Error::Data(_) => 3,
            Error::Adapter(_) => 4,
            Error::Device(_) => 5,
            Error::Diverged(_) => 6,
            Error::Busy(_) => 7,
            Error::Interrupted(_) => 130,
        }
    }
}

/// What to do about a file or folder that cannot be written, by what the system says of it.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "check its permissions or choose another folder",
        ErrorKind::ReadOnlyFilesystem => "choose a folder on another file system",
        ErrorKind::StorageFull => "free some space there or choose another folder",
        ErrorKind::QuotaExceeded => "free some space of your quota or choose another folder",
        ErrorKind::FileTooLarge => "raise the limit on the size of files or choose another folder",
        ErrorKind::NotFound => "make the folder or choose another",
        ErrorKind::NotADirectory => "a part of the path is a file; choose another folder",
        ErrorKind::AlreadyExists | ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => {
            "something else has that name; choose another"
        }
        ErrorKind::InvalidFilename => "choose a shorter name",
        _ => "choose another folder",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_is_of_what_the_system_says() {
        let kinds = [
            (ErrorKind::PermissionDenied, "permissions"),
            (ErrorKind::ReadOnlyFilesystem, "another file system"),
            (ErrorKind::StorageFull, "space there"),
            (ErrorKind::QuotaExceeded, "quota"),
            (ErrorKind::NotADirectory, "is a file"),
            (ErrorKind::InvalidFilename, "shorter"),
            (ErrorKind::Other, "another folder"),
        ];
        for (kind, words) in kinds {
            assert!(remedy(&kind.into()).contains(words), "{kind}: {}", remedy(&kind.into()));
            assert_eq!(remedy(&kind.into()).contains("space"), words.contains("space") || words == "quota", "{kind}");
        }
    }
}
