//! `--class-names`: what the classes are called.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;

use crate::data::{Dataset, numbers, read_class_names};
use crate::error::{Error, Result};

/// The option, the same in every subcommand that tells of classes.
#[derive(Args)]
pub struct NamesOption {
    /// A text file with a name for each class, one a line [default: the names that the run or the network's file has,
    /// else classes.txt in the data's folder, else Fashion-MNIST's for that, else numbers]
    #[arg(long, value_name = "FILE")]
    class_names: Option<PathBuf>,
}

impl NamesOption {
    pub fn is_given(&self) -> bool {
        self.class_names.is_some()
    }

    /// The option as a word of a command line, whose path leads there from anywhere.
    ///
    /// # Errors
    /// [`Error::Usage`] where the path is no text.
    pub fn word(&self) -> Result<Option<String>> {
        let word = |path: &PathBuf| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let wrong = || Error::Usage(format!("{}: its path is no text; rename it", path.display()));
            Ok(format!("--class-names={}", path.to_str().ok_or_else(wrong)?))
        };
        self.class_names.as_ref().map(word).transpose()
    }

    /// The names in the option's file for so many classes, if there is one.
    ///
    /// # Errors
    /// See [`read_class_names`].
    pub fn given(&self, classes: usize) -> Result<Option<Vec<String>>> {
        self.class_names.as_ref().map(|path| read_class_names(path, classes..=classes)).transpose()
    }

    /// A name for each class that the data set has samples of, and for those that the names go on to.
    ///
    /// # Errors
    /// See [`read_class_names`].
    pub fn of(&self, dataset: &Dataset) -> Result<Vec<String>> {
        let classes = dataset.classes();
        let names = match &self.class_names {
            Some(path) => read_class_names(path, classes..=usize::MAX)?,
            None => dataset.class_names(classes..=usize::MAX)?,
        };
        Ok(or_numbers(names, classes))
    }
}

/// What is known of the names of so many classes: those recorded with a network, else what its `data` tells; or nothing.
///
/// # Errors
/// See [`read_class_names`].
pub fn known(
    recorded: Vec<String>,
    classes: usize,
    data: impl FnOnce(RangeInclusive<usize>) -> Result<Vec<String>>,
) -> Result<Vec<String>> {
    if recorded.is_empty() { data(classes..=classes) } else { Ok(recorded) }
}

/// The names, or where there are none, numbers.
pub fn or_numbers(names: Vec<String>, classes: usize) -> Vec<String> {
    if names.is_empty() { numbers(classes) } else { names }
}
