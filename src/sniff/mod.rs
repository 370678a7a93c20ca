//! What a file or folder is, by its first bytes or by what is in it, whatever its name says: for messages about one that
//! is not what was wanted. Nothing here reads such a file for what it holds.

mod binary;
mod folder;
mod kinds;
mod text;
mod zip;

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

pub use folder::folder;
pub use kinds::{Kind, Wanted};
use kinds::{always, other, readable};

/// How much of a file is looked at.
pub const HEAD: u64 = 1 << 16;

/// The kind of a file that begins with these bytes, or has only these; `None` where they could be anything.
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    if bytes.is_empty() {
        return Some(other("an empty file"));
    }
    // First of all, since the length that it begins with may look like any other file's start.
    if let [_, _, _, _, _, 0, 0, 0, b'{', ..] = bytes {
        return Some(readable("a safetensors file"));
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Some(gzip(bytes));
    }
    zip::kind(bytes).or_else(|| binary::kind(bytes)).or_else(|| text::kind(bytes))
}

/// The kind of the file at `path`, by its beginning.
pub fn kind_of(path: &Path) -> Option<Kind> {
    let mut start = Vec::new();
    // A pipe cannot be read twice, and may have to be waited for.
    let file = path.is_file().then(|| File::open(path).ok())??;
    file.take(HEAD).read_to_end(&mut start).ok()?;
    kind(&start)
}

/// What is in a gzip stream decides what to do with it.
fn gzip(bytes: &[u8]) -> Kind {
    const UNPACK: &str = "unpack it first (gunzip)";
    let mut inside = Vec::new();
    // As much as comes: the stream may be cut.
    let _ = MultiGzDecoder::new(bytes).take(512).read_to_end(&mut inside);
    match inside.as_slice() {
        [0x1f, 0x8b, ..] => always("a file compressed by gzip twice", UNPACK),
        inside if binary::is_tar(inside) => {
            always("a tar archive compressed by gzip (.tar.gz)", "unpack it first (tar -xf)")
        }
        _ => always("a file compressed by gzip", UNPACK),
    }
}

/// Why the file at `path` cannot be read, as `problem; remedy`; see [`Kind::line`].
pub fn unreadable(path: &Path, error: &Error, wanted: Wanted, otherwise: &str) -> String {
    match error.kind() {
        _ if path.is_dir() => folder(path).line(wanted, otherwise),
        ErrorKind::NotFound if path.is_symlink() => "a link to a file that is not there; check where it leads".into(),
        ErrorKind::NotFound => "there is no such file; check the path".into(),
        ErrorKind::PermissionDenied => "cannot be read (permission denied); check its permissions".into(),
        _ => format!("cannot be read ({error}); check the path and its permissions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_no_magic_number() {
        for length in [0x8b1f_u64, 0x0178, 0x0aff, 0x0803] {
            let start = [&length.to_le_bytes()[..], b"{\"a\":"].concat();
            assert_eq!(kind(&start), Some(readable("a safetensors file")), "{length:#x}");
        }
    }

    #[test]
    fn what_may_be_anything_has_no_kind() {
        assert_eq!(kind(&[0x00, 0x00, 0x07, 0x03]), None);
        assert_eq!(kind(&[0xff; 100]), None);
    }

    #[test]
    fn remedies_suit_what_was_wanted() {
        let line = |bytes: &[u8], wanted| kind(bytes).unwrap().line(wanted, "give another");
        let npy = b"\x93NUMPY\x01\x00";
        assert!(line(npy, Wanted::Idx).contains(".write(bytes([0, 0, 8, a.ndim])"));
        assert!(line(npy, Wanted::Network).contains("safetensors.numpy.save_file"));
        assert_eq!(line(npy, Wanted::Picture), "a NumPy array (.npy), not a picture that can be read; give another");
        assert!(line(b"\x89HDF\r\n\x1a\n", Wanted::Model).ends_with("; 'train' takes it with `init`, without `model`"));
    }

    #[test]
    fn every_name_has_its_article_and_fits_a_line() {
        let names = binary::MAGIC.iter().map(|(_, _, kind)| kind.name);
        for name in names {
            assert!(name.starts_with("a ") || name.starts_with("an "), "{name}");
        }
    }
}
