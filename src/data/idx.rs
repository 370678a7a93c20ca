//! The IDX format: a magic number, the dimensions as big-endian `u32`, then the values in row-major order.
//!
//! The input is not trusted. No buffer is ever sized by what a header promises, and no more is unpacked than that.

use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::path::Path;

use super::checksums::sha256;
use super::problem::problem_with;
use super::unpack::{explain, unpacked};
use crate::error::Result;

/// Images as an IDX file holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// The pixels, 0 to 255, in `[N, H, W, C]` order.
    pub pixels: Vec<u8>,
    /// `[N, H, W, C]`, none of them zero. `C` is 1 for a file of rank 3.
    pub shape: [usize; 4],
    /// The SHA-256 of the unpacked file, header included, in lowercase hexadecimal.
    pub sha256: String,
}

impl Images {
    /// Reads the IDX file at `path`, of rank 3 `[N, H, W]` or 4 `[N, H, W, C]`, plain or gzip.
    ///
    /// # Errors
    ///
    /// [`Error::Data`](crate::error::Error::Data) when the file cannot be read or is not exactly such a file.
    pub fn read(path: &Path) -> Result<Self> {
        Self::decode(path, open(path)?)
    }

    /// Like [`Images::read`], from any source; `name` is what its errors call it.
    ///
    /// # Errors
    ///
    /// See [`Images::read`].
    pub fn decode(name: &Path, source: impl Read) -> Result<Self> {
        let array = decode(source, 3..=4).map_err(|problem| problem_with(name, problem))?;
        let channels = array.sizes.get(3).copied().unwrap_or(1);
        let shape = [array.sizes[0], array.sizes[1], array.sizes[2], channels];
        Ok(Self { pixels: array.values, shape, sha256: array.sha256 })
    }
}

/// Labels as an IDX file holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The class of each sample, `[N]`, with `N` at least 1.
    pub classes: Vec<u8>,
    /// The SHA-256 of the unpacked file, header included, in lowercase hexadecimal.
    pub sha256: String,
}

impl Labels {
    /// Reads the IDX file at `path`, of rank 1 `[N]`, plain or gzip.
    ///
    /// # Errors
    ///
    /// [`Error::Data`](crate::error::Error::Data) when the file cannot be read or is not exactly such a file.
    pub fn read(path: &Path) -> Result<Self> {
        Self::decode(path, open(path)?)
    }

    /// Like [`Labels::read`], from any source; `name` is what its errors call it.
    ///
    /// # Errors
    ///
    /// See [`Labels::read`].
    pub fn decode(name: &Path, source: impl Read) -> Result<Self> {
        let array = decode(source, 1..=1).map_err(|problem| problem_with(name, problem))?;
        Ok(Self { classes: array.values, sha256: array.sha256 })
    }
}

/// An array of unsigned bytes of any rank.
struct Array {
    sizes: Vec<usize>,
    values: Vec<u8>,
    sha256: String,
}

/// The magic number of unsigned bytes, to which the rank is added.
const UNSIGNED_BYTES: u32 = 0x0000_0800;
const DAMAGED: &str = "delete the file and run 'gpu-fmnist data fetch'";
const FOREIGN: &str = "put an IDX file of unsigned bytes in its place";

/// Reads an array whose rank is one of `ranks`, or says `problem; remedy`.
fn decode(source: impl Read, ranks: RangeInclusive<u32>) -> std::result::Result<Array, String> {
    let mut source = unpacked(source).map_err(|error| explain(&error))?;
    let mut header = Vec::new();
    read_more(&mut source, &mut header, 4)?;
    if header.is_empty() {
        return Err(format!("the file is empty; {DAMAGED}"));
    }
    let magic = word(&header, 0).ok_or_else(|| format!("the file ends within its magic number; {DAMAGED}"))?;
    let rank = magic.wrapping_sub(UNSIGNED_BYTES);
    if !ranks.contains(&rank) {
        let expected: Vec<_> = ranks.map(|rank| format!("{:#010x}", UNSIGNED_BYTES + rank)).collect();
        return Err(format!("the magic number is {magic:#010x}, not {}; {FOREIGN}", expected.join(" or ")));
    }
    read_more(&mut source, &mut header, 4 * u64::from(rank))?;
    let sizes: Option<Vec<u32>> = (1..=rank as usize).map(|index| word(&header, index)).collect();
    let sizes = sizes.ok_or_else(|| format!("the file ends within its {rank} dimensions; {DAMAGED}"))?;
    if sizes.contains(&0) {
        return Err(format!("the dimensions {sizes:?} have a zero among them; {FOREIGN}"));
    }
    // Room is kept for the one byte that shows the file to be too long.
    let count = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(u64::from(size)));
    let count = count.filter(|&count| count < isize::MAX as u64);
    let count = count.ok_or_else(|| format!("the dimensions {sizes:?} exceed what memory can address; {FOREIGN}"))?;
    let mut values = Vec::new();
    read_more(&mut source, &mut values, count + 1)?;
    match values.len() as u64 {
        read if read < count => Err(format!("the dimensions {sizes:?} need {count} bytes, it has {read}; {DAMAGED}")),
        read if read > count => Err(format!("bytes follow the {count} of dimensions {sizes:?}; {DAMAGED}")),
        _ => Ok(Array {
            sizes: sizes.into_iter().map(|size| size as usize).collect(),
            sha256: sha256(&[&header, &values]),
            values,
        }),
    }
}

/// Appends up to `limit` bytes to `buffer`: fewer only where the source ends. The buffer grows with what arrives.
fn read_more(source: &mut dyn Read, buffer: &mut Vec<u8>, limit: u64) -> std::result::Result<(), String> {
    source.take(limit).read_to_end(buffer).map(drop).map_err(|error| explain(&error))
}

/// The big-endian word at `index` words into `header`, if it is that long.
fn word(header: &[u8], index: usize) -> Option<u32> {
    header.as_chunks().0.get(index).copied().map(u32::from_be_bytes)
}

fn open(path: &Path) -> Result<io::BufReader<File>> {
    let file = File::open(path).map_err(|error| problem_with(path, explain(&error)))?;
    Ok(io::BufReader::with_capacity(1 << 16, file))
}
