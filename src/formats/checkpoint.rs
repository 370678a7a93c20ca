//! Checkpoints: named f32 tensors in the safetensors format, with one JSON text about them.
//!
//! The same contents always give the same bytes, so runs can be compared by their files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::error::{Error, Result};

/// The key of the JSON text in the file's metadata.
const KEY: &str = "gpu-fmnist";

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
    /// JSON; what it says is the writer's affair.
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
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
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
        let metadata = HashMap::from([(KEY.to_owned(), self.about.clone())]);
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
        Ok(Self { about, tensors })
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
    fn no_truncated_or_altered_file_is_a_panic() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = checkpoint().encode().unwrap();
        for length in 0..bytes.len() {
            fs::write(file.path(), &bytes[..length]).unwrap();
            assert!(matches!(Checkpoint::read(file.path()), Err(Error::Data(_))), "{length} bytes");
        }
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 0x15;
            fs::write(file.path(), &altered).unwrap();
            drop(Checkpoint::read(file.path()));
        }
    }
}
