//! The one form that errors about data have.

use std::fmt::Display;
use std::path::Path;

use crate::error::Error;

/// An error about the file or folder at `path`, in one line. The `problem` says what is wrong, with which field, and
/// after a semicolon what to do about it.
pub(super) fn problem_with(path: &Path, problem: impl Display) -> Error {
    Error::Data(format!("{}: {problem}", path.display()))
}
