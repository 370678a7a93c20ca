//! The names, lengths and SHA-256 checksums of Fashion-MNIST's four files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::unpack::{is_damage, unpacked};

/// One file of a data set, as it is when unpacked. A mirror may compress it as it likes, so the compressed bytes are
/// never compared.
#[derive(Debug, Clone, Copy)]
pub struct RawFile {
    /// The file's name without `.gz`.
    pub name: &'static str,
    /// The number of unpacked bytes.
    pub length: u64,
    /// The SHA-256 of the unpacked bytes, in lowercase hexadecimal.
    pub sha256: &'static str,
}

impl RawFile {
    /// Whether the file at `path`, plain or gzip, unpacks to exactly these bytes. A damaged gzip stream does not.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn matches(&self, path: &Path) -> io::Result<bool> {
        // One byte more than is right shows that a file is too long, without unpacking whatever else a bomb holds.
        let limit = self.length + 1;
        match unpacked(File::open(path)?).and_then(|source| sha256_of_stream(source.take(limit))) {
            Ok(sha256) => Ok(sha256 == self.sha256),
            Err(error) if is_damage(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Fashion-MNIST's files: training images and labels, then test images and labels.
pub const FILES: [RawFile; 4] = [
    RawFile {
        name: "train-images-idx3-ubyte",
        length: 16 + 60_000 * 28 * 28,
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    },
    RawFile {
        name: "train-labels-idx1-ubyte",
        length: 8 + 60_000,
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
    RawFile {
        name: "t10k-images-idx3-ubyte",
        length: 16 + 10_000 * 28 * 28,
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    },
    RawFile {
        name: "t10k-labels-idx1-ubyte",
        length: 8 + 10_000,
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
];

/// The SHA-256 of the concatenated `parts`, in lowercase hexadecimal.
pub(crate) fn sha256(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hexadecimal(&hasher.finalize())
}

fn sha256_of_stream(mut source: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
