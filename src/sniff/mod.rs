//! What a file or folder is, by its first bytes or by what is in it, whatever its name says: for messages about one that
//! is not what was wanted. Nothing here reads such a file for what it holds.

mod binary;
mod folder;
mod text;
mod zip;

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

pub use folder::folder;

/// What a command wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A file with a trained network in it.
    Network,
    /// The folder of a run.
    Run,
    /// A file in such a folder.
    Checkpoint,
    /// A model's layers in TOML.
    Model,
    /// Images or labels of a data set.
    Idx,
    /// The folder that those are in.
    DataFolder,
    Picture,
}

impl Wanted {
    fn name(self) -> &'static str {
        match self {
            Wanted::Network => "a network that can be read",
            Wanted::Run => "the folder of a run",
            Wanted::Checkpoint => "a checkpoint",
            Wanted::Model => "a model's TOML file",
            Wanted::Idx => "an IDX file",
            Wanted::DataFolder => "the folder of a data set",
            Wanted::Picture => "a picture that can be read",
        }
    }
}

/// What was found instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// With its article: `a PyTorch file (.pt, .pth)`.
    pub name: &'static str,
    class: Class,
}

/// Kinds by what can be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Wants the same whatever was wanted: to be unpacked, or downloaded again.
    Always(&'static str),
    /// A network, and how to make one of it that can be read.
    Network(&'static str),
    /// Arrays of numbers, which may be weights or images.
    Arrays,
    /// A network that can be read.
    Readable,
    Picture,
    /// What people write.
    Text,
    Other,
}

/// How arrays of another program become a file of a data set.
const WRITE_IDX: &str = "write its array a as IDX in Python: open(\"train-images-idx3-ubyte\", \"wb\").write(bytes([0, 0, 8, \
    a.ndim]) + numpy.array(a.shape, \">u4\").tobytes() + a.astype(\"u1\").tobytes())";
/// How weights of another program become a network's.
const WRITE_WEIGHTS: &str = "in Python, write the weights with safetensors.numpy.save_file under the names and in the shapes \
    that 'gpu-fmnist export --help' gives, and train with --init and --model";
const SAVE_WHOLE: &str = "load it in Keras and save the whole model as .keras or .h5";
/// How much of a file is looked at.
pub const HEAD: u64 = 1 << 16;
const TOML: &str = "a model's TOML file, which has no weights";
const DOWNLOAD: &str = "download the file itself again";

const fn always(name: &'static str, remedy: &'static str) -> Kind {
    Kind { name, class: Class::Always(remedy) }
}

const fn network(name: &'static str, remedy: &'static str) -> Kind {
    Kind { name, class: Class::Network(remedy) }
}

const fn arrays(name: &'static str) -> Kind {
    Kind { name, class: Class::Arrays }
}

const fn readable(name: &'static str) -> Kind {
    Kind { name, class: Class::Readable }
}

const fn picture(name: &'static str) -> Kind {
    Kind { name, class: Class::Picture }
}

const fn text(name: &'static str) -> Kind {
    Kind { name, class: Class::Text }
}

const fn other(name: &'static str) -> Kind {
    Kind { name, class: Class::Other }
}

impl Kind {
    /// Whether a network may be read from it.
    pub fn is_readable_network(&self) -> bool {
        self.class == Class::Readable
    }

    /// Whether the images of a data set may be in it.
    pub fn may_hold_data(&self) -> bool {
        matches!(self.class, Class::Arrays | Class::Always(_))
    }

    /// Whether it is what a download leaves that went wrong.
    pub fn is_failed_download(&self) -> bool {
        self.class == Class::Always(DOWNLOAD)
    }

    /// Whether it is a picture, or a document that programs show as one.
    pub fn is_picture(&self) -> bool {
        self.class == Class::Picture
    }

    /// Whether people may have written it.
    pub fn is_text(&self) -> bool {
        self.class == Class::Text
    }

    /// `problem; remedy`; see [`Kind::problem`].
    pub fn line(&self, wanted: Wanted, otherwise: &str) -> String {
        let (problem, remedy) = self.problem(wanted, otherwise);
        format!("{problem}; {remedy}")
    }

    /// What is wrong with the file, and what to do about it: `otherwise`, if this kind has no remedy of its own.
    pub fn problem<'a>(&self, wanted: Wanted, otherwise: &'a str) -> (String, &'a str) {
        let remedy = match (self.class, wanted) {
            (Class::Always(remedy), _) => remedy,
            (Class::Network(remedy), Wanted::Network | Wanted::Run | Wanted::Model) => remedy,
            (Class::Readable, Wanted::Model) => "'train' takes it with --init, without --model",
            (Class::Text, Wanted::Network) if self.name == TOML => "give it with --model",
            (Class::Arrays, Wanted::Network | Wanted::Run) => WRITE_WEIGHTS,
            (Class::Arrays, Wanted::Idx | Wanted::DataFolder) => WRITE_IDX,
            _ => otherwise,
        };
        (format!("{}, not {}", self.name, wanted.name()), remedy)
    }
}

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

/// Whether `part` is somewhere in `bytes`.
fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The first of `bytes`, at most so many.
fn head(bytes: &[u8], most: usize) -> &[u8] {
    &bytes[..bytes.len().min(most)]
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
        assert!(line(b"\x89HDF\r\n\x1a\n", Wanted::Model).ends_with("; 'train' takes it with --init, without --model"));
    }

    #[test]
    fn every_name_has_its_article_and_fits_a_line() {
        let names = binary::MAGIC.iter().map(|(_, _, kind)| kind.name);
        for name in names {
            assert!(name.starts_with("a ") || name.starts_with("an "), "{name}");
        }
    }
}
