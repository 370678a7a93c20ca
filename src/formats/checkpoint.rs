//! Checkpoints: named f32 tensors in the safetensors format, with one JSON text about them and a checksum of all of it.
//!
//! The same contents always give the same bytes, so runs can be compared by their files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::data;
use crate::error::{Error, Result};

/// The key of the JSON text in the file's metadata.
const KEY: &str = "gpu-fmnist";
/// How the JSON text begins in the file; the digest and `",` follow.
const CHECKSUM: &str = "{\"sha256\":\"";

/// An array of f32 with a name, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// A JSON object that is not empty; what it says is the writer's affair.
    pub about: String,
    /// Sorted by name when they come from a file.
    pub tensors: Vec<Tensor>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // Little-endian, as every platform that wgpu runs on.
        bytemuck::cast_slice(&self.values).into()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}

impl Checkpoint {
    /// The bytes of the file.
    ///
    /// # Errors
    /// [`Error::Failed`] for more tensors than the format's header can list.
    pub fn encode(&self) -> Result<Vec<u8>> {
        // One entry alone: the order of more would change from run to run.
        let fields = self.about.strip_prefix('{').unwrap_or_default();
        let metadata = HashMap::from([(KEY.to_owned(), format!("{CHECKSUM}{}\",{fields}", self.sha256()))]);
        let tensors = self.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
        safetensors::serialize(tensors, Some(metadata))
            .map_err(|error| Error::Failed(format!("the checkpoint cannot be encoded: {error}")))
    }

    /// Reads a checkpoint of this program. The file is not trusted.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let fail = |problem: String| Error::Data(format!("{name}: {problem}; give a checkpoint that 'train' wrote"));
        let bytes = fs::read(path).map_err(|error| fail(format!("cannot be read ({error})")))?;
        let invalid = |error| fail(format!("not a whole safetensors file ({error})").replace('\n', " "));
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(invalid)?;
        let about = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY).cloned());
        let about = about.ok_or_else(|| fail(format!("its metadata has no '{KEY}'")))?;
        let checksum = about.strip_prefix(CHECKSUM).and_then(|rest| rest.split_once("\","));
        let (sha256, fields) = checksum.ok_or_else(|| fail("has no checksum, as of an older version".into()))?;
        let views = SafeTensors::deserialize(&bytes).map_err(invalid)?;
        let mut tensors = Vec::new();
        for (name, view) in views.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(fail(format!("tensor {name} is {:?}, not F32", view.dtype())));
            }
            let words = view.data().chunks_exact(4);
            let values = words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
            tensors.push(Tensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
        }
        tensors.sort_by(|left, right| left.name.cmp(&right.name));
        let checkpoint = Self { about: format!("{{{fields}"), tensors };
        match checkpoint.sha256() {
            actual if actual != sha256 => {
                Err(fail(format!("damaged: the SHA-256 of its contents is {actual}, it says {sha256}")))
            }
            _ => Ok(checkpoint),
        }
    }

    /// SHA-256 of the text and of each tensor's name, shape and values, in the order of their names.
    fn sha256(&self) -> String {
        let mut tensors: Vec<&Tensor> = self.tensors.iter().collect();
        tensors.sort_by(|left, right| left.name.cmp(&right.name));
        let labels: Vec<String> = tensors.iter().map(|tensor| format!("{}{:?}", tensor.name, tensor.shape)).collect();
        let mut parts = vec![self.about.as_bytes()];
        for (tensor, label) in tensors.into_iter().zip(&labels) {
            parts.extend([label.as_bytes(), bytemuck::cast_slice(&tensor.values)]);
        }
        data::sha256(&parts)
    }
}

#[cfg(test)]
mod tests {
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
