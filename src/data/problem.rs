//! The one form that errors about data have.

use std::fmt::Display;
use std::path::Path;

use crate::error::Error;
use crate::shell::quoted;

/// An error about the file or folder at `path`, in one line. The `problem` says what is wrong, with which field, and
/// after a semicolon what to do about it.
pub(super) fn problem_with(path: &Path, problem: impl Display) -> Error {
    Error::Data(format!("{}: {problem}", path.display()))
}

/// How messages spell that Fashion-MNIST is to be fetched into a folder; the command line makes its own command of it.
pub fn fetch_call(folder: &Path) -> String {
    format!("`fetch({})`", quoted(folder.as_os_str()))
}
