//! Where a picture's bytes come from: a file, a pipe, standard input. They are read in order and only once.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::kind::{CONVERT, GIVE};
use crate::sniff::{self, Wanted};

/// As large as a picture of the most pixels that are read, each of 4 bytes, uncompressed.
const MOST_BYTES: u64 = 1 << 28;

pub fn open(path: &Path) -> Result<Vec<u8>, String> {
    if path.is_dir() {
        return Err("a folder; give the pictures in it, as FOLDER/*.png".into());
    }
    read(File::open(path).map_err(|error| sniff::unreadable(path, &error, Wanted::Picture, GIVE))?)
}

pub fn read(stream: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        0 => Err(format!("the file is empty; {GIVE}")),
        length if length > MOST_BYTES => Err(format!("more than {} MB; {CONVERT}", MOST_BYTES >> 20)),
        _ => Ok(bytes),
    }
}

fn unreadable(error: io::Error) -> String {
    format!("cannot be read ({error}); check the path and its permissions")
}
