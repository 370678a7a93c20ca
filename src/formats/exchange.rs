//! The formats in which networks come and go.

use std::path::Path;

use super::bounded_read::{LARGEST, read_network};
#[cfg(feature = "keras")]
use super::keras::{
    h5::{decode as decode_h5, encode as encode_h5},
    zip::{decode as decode_keras, encode as encode_keras},
};
#[cfg(feature = "keras")]
use super::npz::encode as encode_npz;
#[cfg(not(feature = "keras"))]
use super::without_keras::{decode_h5, decode_keras, encode_h5, encode_keras, encode_npz};
use super::{Network, onnx, safetensors};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::precision::Precision;
use crate::sniff::{self, Wanted};

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

    /// The format that a file's name ends as.
    pub fn by_ending(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        Self::ALL.into_iter().find(|format| extension == format.extension())
    }

    /// The bytes of the network's file.
    ///
    /// # Errors
    /// Where the tensors are not the model's, or more than the format can hold.
    pub fn encode(self, network: &Network) -> Result<Vec<u8>> {
        self.encode_in(network, Precision::F32)
    }

    /// The same with the weights in so many bits, rounded to the nearest.
    ///
    /// # Errors
    /// [`Error::Usage`] where the format has no such numbers, or a weight is beyond them; else see [`Format::encode`].
    pub fn encode_in(self, network: &Network, precision: Precision) -> Result<Vec<u8>> {
        if precision == Precision::Bf16 && !matches!(self, Format::Onnx | Format::Safetensors) {
            let problem = format!("`precision` {}: a file of {} has no such numbers", precision.name(), self.name());
            return Err(Error::Usage(format!("{problem}; give f16, or another format")));
        }
        let network = &network.rounded(precision)?;
        match self {
            Format::Onnx => onnx::encode(network, precision),
            Format::Safetensors => safetensors::encode(network, precision),
            Format::KerasH5 => encode_h5(network, precision),
            Format::Keras => encode_keras(network, precision),
            Format::Npz => encode_npz(network, precision),
        }
    }

    /// Whether files of the format have the classes' names.
    pub fn has_class_names(self) -> bool {
        matches!(self, Format::Onnx | Format::Safetensors)
    }

    /// An expression in Python that uses the file, whose weights have this precision; `pixels` are bytes `[N, H, W, C]`, as the data set has them.
    pub fn python(self, path: &Path, precision: Precision) -> String {
        let path = python_literal(path);
        match self {
            Format::Onnx => {
                let images = r#"{"images": (pixels / 255).astype("float32")}"#;
                format!("onnxruntime.InferenceSession({path}).run(None, {images})")
            }
            // NumPy has no such numbers.
            Format::Safetensors if precision == Precision::Bf16 => format!("safetensors.torch.load_file({path})"),
            Format::Safetensors => format!("safetensors.numpy.load_file({path})"),
            Format::KerasH5 | Format::Keras => format!("keras.models.load_model({path})"),
            Format::Npz => format!("numpy.load({path})"),
        }
    }

    /// What Keras has to be told of the network's optimizer before `fit` goes on with it, in Python: which variables do
    /// not decay has no place in its files.
    pub fn before_fit(self, network: &Network) -> Option<String> {
        let optimizer = &network.optimizer.as_ref()?.optimizer;
        let excluded: Vec<&str> = optimizer.weight_decay_exclude.iter().map(|kind| kind.name()).collect();
        let is_lost = matches!(self, Format::KerasH5 | Format::Keras) && optimizer.rule().weight_decay() > 0.0;
        let call = |names| format!("model.optimizer.exclude_from_weight_decay(var_names={names:?})");
        (is_lost && !excluded.is_empty()).then(|| call(excluded))
    }

    /// The format that a file with these bytes seems to have. Its name plays no part in it.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if bytes.starts_with(b"PK\x03\x04") && is_npz(bytes) => Some(Format::Npz),
            _ if sniff::kind(bytes).is_some_and(|kind| !kind.is_readable_network()) => None,
            _ if bytes.starts_with(b"PK\x03\x04") => Some(Format::Keras),
            // After archives: they may have such a file within.
            _ if is_hdf5(bytes) => Some(Format::KerasH5),
            _ if safetensors::is_safetensors(bytes) => Some(Format::Safetensors),
            _ if onnx::is_onnx(bytes) => Some(Format::Onnx),
            _ => None,
        }
    }
}

/// What to do about a file that is no network's.
const REMEDY: &str = "give a safetensors file, Keras' .h5 or .keras, or ONNX";

/// A path as Python spells it: a string in JSON is one there, too, and bytes that are no UTF-8 become what Python's own
/// functions for files give and take.
fn python_literal(path: &Path) -> String {
    match path.to_str() {
        Some(text) => serde_json::Value::from(text).to_string(),
        None => {
            let bytes: String =
                path.as_os_str().as_encoded_bytes().iter().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("os.fsdecode(b\"{bytes}\")")
        }
    }
}

/// Whether the bytes look like an HDF5 file: its signature is at 0, or where a block of the user's own ends.
fn is_hdf5(bytes: &[u8]) -> bool {
    let starts = std::iter::once(0).chain((9..).map(|power| 1 << power).take_while(|&start| start < bytes.len()));
    starts.into_iter().any(|start| bytes[start..].starts_with(b"\x89HDF\r\n\x1a\n"))
}

/// Whether the zip archive's first member is a NumPy array: the length of its name is at 26, the name at 30.
fn is_npz(bytes: &[u8]) -> bool {
    let length = bytes.get(26..28).map_or(0, |length| usize::from(u16::from_le_bytes([length[0], length[1]])));
    bytes.get(30..30 + length).is_some_and(|name| name.ends_with(b".npy"))
}

/// The network in the file at `path`, of whatever format; `model` is whose weights they are where the file does not say, and
/// whose names the layers have where the file says the same but for names.
/// The file is not trusted.
///
/// # Errors
/// [`Error::Data`] naming the file and what is wrong with it.
pub fn read(path: &Path, model: Option<&Model>) -> Result<Network> {
    let name = path.display().to_string();
    let bytes = read_network(path, LARGEST, Wanted::Network, REMEDY)
        .map_err(|problem| Error::Data(format!("{name}: {problem}")))?;
    decode_in(path.parent(), &bytes, &name, model)
}

/// Like [`read`], from a file's bytes alone; `name` is what errors call it.
///
/// # Errors
/// See [`read`].
pub fn decode(bytes: &[u8], name: &str, model: Option<&Model>) -> Result<Network> {
    decode_in(None, bytes, name, model)
}

fn decode_in(folder: Option<&Path>, bytes: &[u8], name: &str, model: Option<&Model>) -> Result<Network> {
    let fail = |problem: String| Error::Data(format!("{name}: {problem}"));
    let network = match Format::of(bytes) {
        Some(Format::Onnx) => onnx::decode(bytes, name, folder)?,
        Some(Format::Safetensors) => safetensors::decode(bytes, name, model)?,
        Some(Format::KerasH5) => decode_h5(bytes, name, model)?,
        Some(Format::Keras) => decode_keras(bytes, name)?,
        Some(Format::Npz) => return Err(fail(format!("NumPy's npz, which is written but not read; {REMEDY}"))),
        None => {
            let unknown = || format!("neither ONNX nor safetensors nor a file of Keras'; {REMEDY}");
            return Err(fail(sniff::kind(bytes).map_or_else(unknown, |kind| kind.line(Wanted::Network, REMEDY))));
        }
    };
    network.check(name)?;
    Ok(match model {
        Some(model) => network.named_as(model),
        None => network,
    })
}
