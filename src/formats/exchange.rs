//! The formats in which networks come and go.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::{Network, keras_h5, keras_zip, npz, onnx, safetensors};
use crate::error::{Error, Result};
use crate::model::Model;

/// A format of files with one network in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Onnx,
    Safetensors,
    KerasH5,
    /// Keras 3's own.
    Keras,
    /// Is written only.
    Npz,
}

/// The largest file that is read: while it is, its weights are in memory up to three times.
const LARGEST: u64 = 1 << 28;

impl Format {
    pub const ALL: [Self; 5] = [Format::Onnx, Format::Safetensors, Format::KerasH5, Format::Keras, Format::Npz];

    /// As `--format` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Safetensors => "safetensors",
            Format::KerasH5 => "keras-h5",
            Format::Keras => "keras",
            Format::Npz => "npz",
        }
    }

    /// The usual ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Safetensors => "safetensors",
            Format::KerasH5 => "h5",
            Format::Keras => "keras",
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
            Format::KerasH5 => keras_h5::encode(network),
            Format::Keras => keras_zip::encode(network),
            Format::Npz => npz::encode(network),
        }
    }

    /// A line of Python that uses the file.
    pub fn python(self, path: &Path) -> String {
        match self {
            Format::Onnx => format!("onnxruntime.InferenceSession({path:?}).run(None, {{\"images\": pixels / 255}})"),
            Format::Safetensors => format!("safetensors.numpy.load_file({path:?})"),
            Format::KerasH5 | Format::Keras => format!("keras.models.load_model({path:?})"),
            Format::Npz => format!("numpy.load({path:?})"),
        }
    }

    /// The format that a file with these bytes seems to have. Its name plays no part in it.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if bytes.starts_with(b"PK\x03\x04") && is_npz(bytes) => Some(Format::Npz),
            _ if bytes.starts_with(b"PK\x03\x04") => Some(Format::Keras),
            // After archives: they may have such a file within.
            _ if keras_h5::is_hdf5(bytes) => Some(Format::KerasH5),
            _ if safetensors::is_safetensors(bytes) => Some(Format::Safetensors),
            _ if onnx::is_onnx(bytes) => Some(Format::Onnx),
            _ => None,
        }
    }
}

/// Whether the zip archive's first member is a NumPy array: the length of its name is at 26, the name at 30.
fn is_npz(bytes: &[u8]) -> bool {
    let length = bytes.get(26..28).map_or(0, |length| usize::from(u16::from_le_bytes([length[0], length[1]])));
    bytes.get(30..30 + length).is_some_and(|name| name.ends_with(b".npy"))
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
        Some(Format::KerasH5) => keras_h5::decode(bytes, name, model)?,
        Some(Format::Keras) => keras_zip::decode(bytes, name)?,
        Some(Format::Npz) => return Err(fail("NumPy's npz, which is written but not read")),
        None => return Err(fail("neither ONNX nor safetensors nor a file of Keras'")),
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
