//! The data module from outside: reading good and hostile files, splitting as scikit-learn does, and fetching.

mod fetching;
mod loading;
mod locating;
mod other_types;
mod reading;
mod splitting;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::{Compression, write::GzEncoder};
use gpu_fmnist::data::{self, Dataset, FILES, Images, Labels, RawFile, Sources, Split};
use gpu_fmnist::error::{Error, Result};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

/// An IDX file: the magic number, the sizes and the values.
fn idx(magic: u32, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let header = std::iter::once(&magic).chain(sizes).flat_map(|word| word.to_be_bytes());
    header.chain(values.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asserts a data error in one line, which starts with `path`, contains `part` and ends in a remedy.
#[track_caller]
fn assert_data_error<T>(result: Result<T>, path: &Path, part: &str) {
    match result.err() {
        Some(Error::Data(message)) => {
            assert!(message.starts_with(&format!("{}: ", path.display())), "names another file: {message}");
            assert!(message.contains(part), "no '{part}' in: {message}");
            assert!(message.contains("; "), "no remedy in: {message}");
            assert_eq!(message.lines().count(), 1, "not one line: {message}");
        }
        other => panic!("expected a data error with '{part}', got {other:?}"),
    }
}
