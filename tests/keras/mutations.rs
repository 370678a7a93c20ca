//! Damaged and hostile files: no panic, and none takes a second. `GPU_FMNIST_MUTATIONS` says how many of each to try.

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use gpu_fmnist::error::{Error, Result};

use super::kinds;
use super::refusals::{archive, members};
use super::support::{decode, files};

const LONGEST: Duration = Duration::from_secs(1);

/// Numbers in no particular order.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        // Xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }

    /// The bytes after one to four changes.
    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let length = bytes.len();
            let at = self.below(length);
            match self.below(9) {
                0 | 1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes[at] = self.below(256) as u8,
                3 => bytes.truncate(at),
                // Sizes and addresses: huge, negative, zero, small.
                4 | 5 => {
                    let value = [u64::MAX, 1 << 63, (1 << 31) - 1, 1 << 20, 0, 255][self.below(6)].to_le_bytes();
                    let width = [1, 2, 4, 8][self.below(4)];
                    let end = (at + width).min(length);
                    bytes[at..end].copy_from_slice(&value[..end - at]);
                }
                // An address that leads elsewhere in the file.
                6 => {
                    let address = (self.below(length) as u64 & !7).to_le_bytes();
                    let at = at & !7;
                    let end = (at + 8).min(length);
                    bytes[at..end].copy_from_slice(&address[..end - at]);
                }
                7 => {
                    let end = (at + self.below(64)).min(length);
                    bytes.drain(at..end);
                }
                _ => {
                    let part: Vec<u8> = bytes[at..(at + 64).min(length)].to_vec();
                    bytes.splice(at..at, part);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    }
}

/// Decodes, and fails for a panic, for another error than one in the file, and where it takes too long.
fn try_decode(bytes: &[u8], name: &str) -> bool {
    let began = Instant::now();
    let decoded = catch_unwind(|| decode(bytes, name).map(drop));
    let took = began.elapsed();
    let outcome: Result<()> = decoded.unwrap_or_else(|_| panic!("{name}: a panic; kept as {}", kept(bytes)));
    assert!(took < LONGEST, "{name}: {took:?}; kept as {}", kept(bytes));
    match outcome {
        Ok(()) => true,
        Err(Error::Data(message)) => {
            assert!(message.starts_with(&format!("{name}: ")) && message.lines().count() == 1, "{message:?}");
            false
        }
        Err(other) => panic!("{name}: {other:?}"),
    }
}

/// Where the bytes of a failure are.
fn kept(bytes: &[u8]) -> String {
    let path = std::env::temp_dir().join("keras-mutation");
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn rounds(default: usize) -> usize {
    std::env::var("GPU_FMNIST_MUTATIONS").ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn mutated_files_are_refused_or_read() {
    let mut dice = Dice(2020);
    let mut read = 0;
    for (name, bytes) in files().into_iter().chain(kinds::all()) {
        for _ in 0..rounds(3000) {
            read += usize::from(try_decode(&dice.mutate(&bytes), &name));
        }
        for length in (0..bytes.len()).step_by(bytes.len() / 200) {
            try_decode(&bytes[..length], &name);
        }
    }
    // Some changes are in bytes without a meaning: the test reaches all of the reader.
    assert!(read > 100, "only {read} mutated files were still read");
}

/// The checksum of a zip archive finds most changes of its members: here they are made before it.
#[test]
fn mutated_members_are_refused_or_read() {
    let mut dice = Dice(7);
    let mut read = 0;
    let all = files().into_iter().chain(kinds::all());
    for (name, bytes) in all.filter(|(name, _)| name.ends_with(".keras") && name != "deflated.keras") {
        let members = members(&bytes);
        for _ in 0..rounds(3000) {
            let mut members = members.clone();
            let which = 1 + dice.below(2);
            members[which].1 = dice.mutate(&members[which].1);
            read += usize::from(try_decode(&archive(&members), &name));
        }
    }
    assert!(read > 100, "only {read} mutated files were still read");
}
