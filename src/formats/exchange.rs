//! The formats in which networks come and go.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::{Network, npz, onnx, safetensors};
use crate::error::{Error, Result};
use crate::model::Model;

/// A format of files with one network in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Onnx,
    Safetensors,
    /// Is written only.
    Npz,
}

/// The largest file that is read: while it is, its weights are in memory up to three times.
const LARGEST: u64 = 1 << 28;

impl Format {
    pub const ALL: [Self; 3] = [Format::Onnx, Format::Safetensors, Format::Npz];

    /// As `--format` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Safetensors => "safetensors",
            Format::Npz => "npz",
        }
    }

    /// The usual ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Safetensors => "safetensors",
            Format::Npz => "npz",
        }
    }

    /// The bytes of the network's file.
    ///
    /// # Errors
    /// Where the tensors are not the model's, or more than the format can hold.
    pub fn encode(self, network: &Network) -> Result<Vec<u8>> {
        match self {
            Format::Onnx => onnx::encode(network),
            Format::Safetensors => safetensors::encode(network),
            Format::Npz => npz::encode(network),
        }
    }

    /// A line of Python that uses the file.
    pub fn python(self, path: &Path) -> String {
        match self {
            Format::Onnx => format!("onnxruntime.InferenceSession({path:?}).run(None, {{\"images\": pixels / 255}})"),
            Format::Safetensors => format!("safetensors.numpy.load_file({path:?})"),
            Format::Npz => format!("numpy.load({path:?})"),
        }
    }

    /// The format that a file with these bytes seems to have. Its name plays no part in it.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if bytes.starts_with(b"PK\x03\x04") => Some(Format::Npz),
            _ if safetensors::is_safetensors(bytes) => Some(Format::Safetensors),
            _ if onnx::is_onnx(bytes) => Some(Format::Onnx),
            _ => None,
        }
    }
}

/// The network in the file at `path`, of whatever format; `model` is whose weights they are where the file does not say.
/// The file is not trusted.
///
/// # Errors
/// [`Error::Data`] naming the file and what is wrong with it.
pub fn read(path: &Path, model: Option<&Model>) -> Result<Network> {
    let name = path.display().to_string();
    let bytes = bytes(path).map_err(|problem| Error::Data(format!("{name}: {problem}")))?;
    decode(&bytes, &name, model)
}

/// Like [`read`], from a file's bytes; `name` is what errors call it.
///
/// # Errors
/// See [`read`].
pub fn decode(bytes: &[u8], name: &str, model: Option<&Model>) -> Result<Network> {
    let fail = |problem: &str| Error::Data(format!("{name}: {problem}; give a file that 'export' or 'train' wrote"));
    let network = match Format::of(bytes) {
        Some(Format::Onnx) => onnx::decode(bytes, name)?,
        Some(Format::Safetensors) => safetensors::decode(bytes, name, model)?,
        Some(Format::Npz) => return Err(fail("a zip archive, npz perhaps, which is written but not read")),
        None => return Err(fail("neither ONNX nor safetensors")),
    };
    network.check(name)?;
    Ok(network)
}

/// What the file holds, or `problem; remedy`.
fn bytes(path: &Path) -> std::result::Result<Vec<u8>, String> {
    let read = || -> io::Result<Option<Vec<u8>>> {
        let about = fs::metadata(path)?;
        if !about.is_file() {
            return Err(io::Error::other("not a file"));
        }
        let mut bytes = Vec::new();
        // It may have grown since.
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= LARGEST).then_some(bytes))
    };
    match read() {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(format!("larger than the {LARGEST} bytes that are read; give a smaller network")),
        Err(error) => Err(format!("cannot be read ({error}); check the path and its permissions")),
    }
}
