//! Fetches Fashion-MNIST from the first place that can be reached and has the right bytes.

use std::path::Path;
use std::{fs, io};

use super::checksums::{FILES, RawFile};
use super::files::file_in;
use super::mirror::{Mirror, Progress};
use super::own::fetch_again;
use super::package;
use super::problem::problem_with;
use crate::error::{Result, remedy};

/// The addresses that [`fetch`] tries in turn. A file's name and `.gz` are appended to them.
pub const MIRRORS: [&str; 3] = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
];

/// What to fetch, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The files, which are compared with their checksums before they get their names.
    pub files: &'a [RawFile],
    /// Addresses that end in `/`, tried in turn for each file.
    pub mirrors: &'a [&'a str],
    /// The Debian package that also holds the files, tried last.
    pub package: Option<&'a str>,
}

impl Sources<'static> {
    /// Fashion-MNIST, from [`MIRRORS`] and Debian.
    pub const FASHION_MNIST: Self = Self { files: &FILES, mirrors: &MIRRORS, package: Some("dataset-fashion-mnist") };
}

/// Puts Fashion-MNIST's four files into the folder `into`, which is created if need be. Files that are there already
/// and right are kept. `report` is called as bytes arrive; an error that it returns ends the fetch.
///
/// # Errors
///
/// [`Error::Data`](crate::error::Error::Data) when a file could be had nowhere, cannot be written, or is there already
/// with other bytes: it is never overwritten. Or the error that `report` returned. A file that is not whole and right
/// is never left behind.
pub fn fetch(into: &Path, report: &mut dyn FnMut(&Progress) -> Result<()>) -> Result<()> {
    fetch_from(&Sources::FASHION_MNIST, into, report)
}

/// Like [`fetch`], from other sources.
///
/// # Errors
///
/// See [`fetch`].
pub fn fetch_from(sources: &Sources, into: &Path, report: &mut dyn FnMut(&Progress) -> Result<()>) -> Result<()> {
    let unwritable =
        |error: io::Error| problem_with(into, format!("the folder cannot be made ({error}); {}", remedy(&error)));
    fs::create_dir_all(into).map_err(unwritable)?;
    let mut mirrors: Vec<_> = sources.mirrors.iter().map(|address| Mirror::new(address)).collect();
    let mut missing = Vec::new();
    for file in sources.files {
        if !is_there(file, into)? && !download(file, &mut mirrors, into, report)? {
            missing.push(*file);
        }
    }
    let Some(first) = missing.first() else { return Ok(()) };
    let mut tried: Vec<_> = mirrors.iter().filter_map(Mirror::complaint).collect();
    if let Some(package) = sources.package {
        let progress = Progress { file: package, source: "apt-get", done: 0, total: None };
        report(&progress)?;
        match package::fetch(package, &missing, into) {
            Ok(()) => return Ok(()),
            Err(reason) => tried.push(format!("Debian's {package} ({reason})")),
        }
        // An interrupt from the terminal ends apt-get too, and is then the reason that should be given.
        report(&progress)?;
    }
    let problem = format!("could not be fetched, tried {}", tried.join(", "));
    let remedy = "place the four files in a folder and pass `data_dir`";
    Err(problem_with(&into.join(first.name), format!("{problem}; {remedy}")))
}

/// Whether `file` is in the folder, plain or `.gz`, and right.
fn is_there(file: &RawFile, folder: &Path) -> Result<bool> {
    let Some(path) = file_in(folder, file.name) else {
        return Ok(false);
    };
    let unreadable = |error: io::Error| problem_with(&path, format!("cannot be read ({error}); check its permissions"));
    if file.matches(&path).map_err(unreadable)? {
        return Ok(true);
    }
    let problem = "the checksum is not Fashion-MNIST's";
    let remedy = fetch_again(&path).unwrap_or_else(|| "choose another folder with `data_dir`".into());
    Err(problem_with(&path, format!("{problem}; {remedy}")))
}

/// Gets `file` from the first mirror that has it, if any does.
fn download(
    file: &RawFile,
    mirrors: &mut [Mirror],
    into: &Path,
    report: &mut dyn FnMut(&Progress) -> Result<()>,
) -> Result<bool> {
    for mirror in mirrors {
        if mirror.fetch(file, into, report)? {
            return Ok(true);
        }
    }
    Ok(false)
}
