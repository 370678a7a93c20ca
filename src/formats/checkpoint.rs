//! Checkpoints: named f32 tensors in the safetensors format, with one JSON text about them and a checksum of all of it.
//!
//! The same contents always give the same bytes, so runs can be compared by their files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View};

use super::bounded_read::{self, read_network};
use crate::data;
use crate::error::{Error, Result};
use crate::optimizers::AVERAGE;
use crate::precision::Precision;
use crate::sniff::{self, Wanted};

/// The key of the JSON text in a file's metadata.
pub(super) const KEY: &str = "gpu-fmnist";
const REMEDY: &str = "give a checkpoint that 'train' wrote";
/// How the JSON text begins in the file; the digest and `",` follow.
const CHECKSUM: &str = "{\"sha256\":\"";

/// The largest checkpoint: it has a network's weights up to six times, with both moments, averages and those of another
/// epoch.
const LARGEST: u64 = 6 * bounded_read::LARGEST;

/// An array of f32 with a name, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Tensor {
    /// The values of the tensor of that name and shape among `tensors`; or says that there is none, or what is wrong with
    /// it.
    ///
    /// # Errors
    /// Naming the tensor.
    pub fn find<'a>(tensors: &'a [Self], name: &str, shape: &[usize]) -> std::result::Result<&'a [f32], String> {
        match tensors.iter().find(|tensor| tensor.name == name) {
            None => Err(format!("has no tensor {name}")),
            Some(tensor) if tensor.shape != shape => {
                Err(format!("{name} has the shape {:?}, the model's has {shape:?}", tensor.shape))
            }
            Some(tensor) if tensor.values.iter().any(|value| !value.is_finite()) => {
                Err(format!("{name} has values that are not finite"))
            }
            Some(tensor) => Ok(&tensor.values),
        }
    }

    /// The values as a file's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        // Little-endian, as every platform that wgpu runs on.
        bytemuck::cast_slice(&self.values)
    }
}

/// Puts the moving averages that are among the tensors, `NAME.average`, in the place of what they are of.
pub fn take_averages(tensors: &mut [Tensor]) {
    let ending = format!(".{}", AVERAGE.name);
    let of = |tensor: &Tensor| Some((tensor.name.strip_suffix(&ending)?.to_owned(), tensor.values.clone()));
    let averages: HashMap<String, Vec<f32>> = tensors.iter().filter_map(of).collect();
    for Tensor { name, values, .. } in tensors {
        if let Some(average) = averages.get(name).filter(|average| average.len() == values.len()) {
            values.clone_from(average);
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// A JSON object that is not empty; what it says is the writer's affair.
    pub about: String,
    /// Sorted by name when they come from a file.
    pub tensors: Vec<Tensor>,
}

/// A tensor as a file has it.
struct Stored<'a>(&'a Tensor, Precision);

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.1 {
            Precision::F32 => Dtype::F32,
            Precision::Bf16 => Dtype::BF16,
            Precision::F16 => Dtype::F16,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.1 {
            Precision::F32 => self.0.bytes().into(),
            less => less.encode(&self.0.values).into(),
        }
    }

    fn data_len(&self) -> usize {
        self.1.bytes() * self.0.values.len()
    }
}

impl Checkpoint {
    /// The bytes of the file.
    ///
    /// # Errors
    /// [`Error::Failed`] for more tensors than the format's header can list, and for what would not be read again.
    pub fn encode(&self) -> Result<Vec<u8>> {
        self.encode_in(Precision::F32)
    }

    /// The same with the values, which have no more, in so many bits.
    pub(super) fn encode_in(&self, precision: Precision) -> Result<Vec<u8>> {
        // One entry alone: the order of more would change from run to run.
        let fields = self.about.strip_prefix('{').unwrap_or_default();
        let metadata = HashMap::from([(KEY.to_owned(), format!("{CHECKSUM}{}\",{fields}", self.sha256()))]);
        let tensors = self.tensors.iter().map(|tensor| (tensor.name.as_str(), Stored(tensor, precision)));
        let bytes = safetensors::serialize(tensors, Some(metadata))
            .map_err(|error| Error::Failed(format!("the checkpoint cannot be encoded: {error}")))?;
        match bytes.len() as u64 {
            count if count > LARGEST => Err(Error::Failed(format!(
                "the checkpoint has {count} bytes, and no more than {LARGEST} are read; make the model smaller"
            ))),
            _ => Ok(bytes),
        }
    }

    /// Reads a checkpoint of this program. The file is not trusted.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = read_network(path, LARGEST, Wanted::Checkpoint, REMEDY)
            .map_err(|problem| Error::Data(format!("{name}: {problem}")))?;
        Self::decode(&bytes, &name)
    }

    /// Like [`Checkpoint::read`], from a file's bytes; `name` is what its errors call it.
    ///
    /// # Errors
    /// See [`Checkpoint::read`].
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        let (about, tensors) = parse(bytes).map_err(|problem| match sniff::kind(bytes) {
            Some(kind) if !kind.is_readable_network() && !bytes.is_empty() => {
                Error::Data(format!("{name}: {}", kind.line(Wanted::Checkpoint, REMEDY)))
            }
            _ => invalid(name, problem),
        })?;
        let about = about.ok_or_else(|| invalid(name, format!("its metadata has no '{KEY}'")))?;
        Ok(Self { about, tensors })
    }

    /// SHA-256 of the text and of each tensor's name, shape and values, in the order of their names.
    fn sha256(&self) -> String {
        let mut tensors: Vec<&Tensor> = self.tensors.iter().collect();
        tensors.sort_by(|left, right| left.name.cmp(&right.name));
        let labels: Vec<String> = tensors.iter().map(|tensor| format!("{}{:?}", tensor.name, tensor.shape)).collect();
        let mut parts = vec![self.about.as_bytes()];
        for (tensor, label) in tensors.into_iter().zip(&labels) {
            parts.extend([label.as_bytes(), tensor.bytes()]);
        }
        data::sha256(&parts)
    }
}

fn invalid(name: &str, problem: String) -> Error {
    Error::Data(format!("{name}: {problem}; {REMEDY}"))
}

/// What this program's metadata in a safetensors file says, if it has any, and the tensors, sorted by name. Where it has
/// some, its checksum is the contents'.
pub(super) fn parse(bytes: &[u8]) -> std::result::Result<(Option<String>, Vec<Tensor>), String> {
    let invalid = |error| format!("not a whole safetensors file ({error})").replace('\n', " ");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(invalid)?;
    let views = SafeTensors::deserialize(bytes).map_err(invalid)?;
    let mut tensors = Vec::new();
    for (name, view) in views.iter() {
        let precision = match view.dtype() {
            Dtype::F32 => Precision::F32,
            Dtype::BF16 => Precision::Bf16,
            Dtype::F16 => Precision::F16,
            other => return Err(format!("tensor {name} is {other:?}, not F32, BF16 or F16")),
        };
        let values = precision.decode(view.data());
        tensors.push(Tensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    tensors.sort_by(|left, right| left.name.cmp(&right.name));
    let Some(text) = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) else {
        return Ok((None, tensors));
    };
    let checksum = text.strip_prefix(CHECKSUM).and_then(|rest| rest.split_once("\","));
    let (sha256, fields) = checksum.ok_or("has no checksum, as of an older version")?;
    let checkpoint = Checkpoint { about: format!("{{{fields}"), tensors };
    match checkpoint.sha256() {
        actual if actual != sha256 => {
            Err(format!("damaged: the SHA-256 of its contents is {actual}, it says {sha256}"))
        }
        _ => Ok((Some(checkpoint.about), checkpoint.tensors)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    fn checkpoint() -> Checkpoint {
        let tensor = |name: &str, shape: &[usize]| {
            let count = shape.iter().product::<usize>();
            Tensor { name: name.into(), shape: shape.to_vec(), values: (0..count).map(|i| i as f32 / 3.0).collect() }
        };
        Checkpoint { about: "{\"epoch\":1}".into(), tensors: vec![tensor("a.bias", &[3]), tensor("a.kernel", &[2, 3])] }
    }

    #[test]
    fn what_is_written_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = checkpoint().encode().unwrap();
        assert_eq!(bytes, checkpoint().encode().unwrap());
        fs::write(file.path(), &bytes).unwrap();
        assert_eq!(Checkpoint::read(file.path()).unwrap(), checkpoint());
    }

    #[test]
    fn a_file_beyond_any_checkpoint_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Holes: the disk has none of it.
        File::options().write(true).open(file.path()).unwrap().set_len(1 << 40).unwrap();
        let error = Checkpoint::read(file.path()).unwrap_err().to_string();
        assert!(error.contains("larger than the"), "{error}");
        let error = Checkpoint::read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(error.contains("not a file"), "{error}");
    }

    #[test]
    fn every_truncated_or_altered_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = checkpoint().encode().unwrap();
        let refused = |bytes: &[u8]| {
            fs::write(file.path(), bytes).unwrap();
            match Checkpoint::read(file.path()) {
                Err(Error::Data(message)) => message,
                other => panic!("{} bytes: {other:?}", bytes.len()),
            }
        };
        for length in 0..bytes.len() {
            refused(&bytes[..length]);
        }
        for place in 0..bytes.len() {
            for flipped in [0x01, 0x15, 0x80] {
                let mut altered = bytes.clone();
                altered[place] ^= flipped;
                refused(&altered);
            }
        }
        let mut altered = bytes;
        *altered.last_mut().unwrap() ^= 1;
        assert!(refused(&altered).contains("damaged: the SHA-256 of its contents is "));
    }
}
