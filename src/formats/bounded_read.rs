//! Reading files that may have become any size: none of them fills the memory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::sniff::{self, Wanted};

/// The largest network: while it is read, its weights are in memory up to three times.
pub(super) const LARGEST: u64 = 1 << 28;
/// The largest text that is read: the log of some hundred thousand epochs.
const LARGEST_TEXT: u64 = 64 << 20;

/// What the file holds; `None` of more than so many bytes.
///
/// # Errors
/// Of a file that is not there, cannot be read, or is a folder or a pipe.
pub(super) fn read_at_most(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("not a file"));
    }
    if about.len() > most {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    // It may have grown since.
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// The text of a file that this program wrote. What is no UTF-8 becomes U+FFFD.
///
/// # Errors
/// Of a file that is not there, cannot be read, is a folder or a pipe, or has more than 64 MB.
pub fn read_text(path: &Path) -> io::Result<String> {
    read_text_of(path, LARGEST_TEXT)
}

/// The same of a file that has at most so many bytes.
///
/// # Errors
/// Of a file that is not there, cannot be read, is a folder or a pipe, or has more.
pub fn read_text_of(path: &Path, most: u64) -> io::Result<String> {
    let too_large = || io::Error::other(format!("larger than the {} MB that are read", most >> 20));
    let bytes = read_at_most(path, most)?.ok_or_else(too_large)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the file of at most so many bytes holds, or `problem; remedy`.
pub(super) fn read_network(
    path: &Path,
    most: u64,
    wanted: Wanted,
    remedy: &str,
) -> std::result::Result<Vec<u8>, String> {
    match read_at_most(path, most) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(format!("larger than the {most} bytes that are read; give a smaller network")),
        Err(error) => Err(sniff::unreadable(path, &error, wanted, remedy)),
    }
}
