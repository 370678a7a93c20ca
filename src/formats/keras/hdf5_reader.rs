//! HDF5 files as Keras writes them, from bytes that are not trusted.
//!
//! The library checks what it reads, but a file can still send it in circles, or name the same bytes again and again.
//! So it reads through a [`Metered`] source, which stops after so many bytes; that bounds its time and its memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hdf5_pure::{DType, Dataset, Error, File, FormatError, H5Element, Layout, Source};

use super::message::Found;

/// The largest file that is read: a few times its size is in memory while it is.
const LARGEST: usize = 1 << 27;
/// What may be read more than twice the file's length: small files are read several times, since each path is followed
/// from the root.
const ALLOWANCE: u64 = 1 << 24;
/// What a read costs beside its bytes.
const READ: u64 = 256;

/// Bytes of which only so many may be read.
struct Metered {
    bytes: Vec<u8>,
    left: AtomicU64,
}

impl Source for Metered {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        let cost = READ + buffer.len() as u64;
        let pay = |left: u64| left.checked_sub(cost);
        if self.left.fetch_update(Relaxed, Relaxed, pay).is_err() {
            return Err(FormatError::Source("far more is read than the file holds".into()));
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(buffer.len());
        let available = self.bytes.len();
        let part = self.bytes.get(start..end).ok_or(FormatError::UnexpectedEof { expected: end, available })?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}

pub struct Reader(File);

impl Reader {
    pub fn open(bytes: &[u8]) -> Found<Self> {
        if bytes.len() > LARGEST {
            return Err(format!("has {} bytes; at most {LARGEST} are read", bytes.len()));
        }
        let left = 2 * bytes.len() as u64 + ALLOWANCE;
        let file = File::from_source(Metered { bytes: bytes.to_vec(), left: left.into() });
        file.map(Self).map_err(|error| damaged("is no whole HDF5 file", &error))
    }

    /// Bytes of the file.
    pub fn length(&self) -> usize {
        usize::try_from(self.0.file_size()).unwrap_or_default()
    }

    /// The texts of an attribute of the group at that path, `""` for the root; none where it has no such attribute, or
    /// one that is no text, as Keras writes empty lists.
    pub fn texts(&self, path: &str, key: &str) -> Found<Vec<String>> {
        let read = || self.group(path)?.attrs();
        let attributes = read().map_err(|error| damaged(&format!("group '{path}' cannot be read"), &error))?;
        Ok(attributes.get(key).and_then(|value| value.as_strings()).unwrap_or_default().to_vec())
    }

    pub fn has_group(&self, path: &str) -> bool {
        self.group(path).is_ok()
    }

    /// How many datasets are in the group at that path; none where there is no such group.
    pub fn datasets(&self, path: &str) -> usize {
        self.group(path).and_then(|group| group.datasets()).map_or(0, |names| names.len())
    }

    /// The values of the dataset of f32 at that path, which has this shape.
    pub fn floats(&self, path: &str, shape: &[usize]) -> Found<Vec<f32>> {
        self.values(path, shape, &DType::F32)
    }

    /// The value of the scalar dataset of i64 at that path.
    pub fn integer(&self, path: &str) -> Found<i64> {
        let values = self.values(path, &[], &DType::I64)?;
        values.first().copied().ok_or_else(|| format!("dataset '{path}' is empty; save the model in Keras again"))
    }

    fn group(&self, path: &str) -> Result<hdf5_pure::Group, Error> {
        if path.is_empty() { Ok(self.0.root()) } else { self.0.group(path) }
    }

    fn values<T: H5Element>(&self, path: &str, shape: &[usize], kind: &DType) -> Found<Vec<T>> {
        let broken = |error: Error| damaged(&format!("dataset '{path}' cannot be read"), &error);
        let dataset = self.0.dataset(path).map_err(broken)?;
        let found = describe(&dataset).map_err(broken)?;
        let expected = format!("{kind} {shape:?}");
        if found != expected {
            return Err(format!("dataset '{path}' is {found}, not {expected} as its layer's; give another file"));
        }
        match dataset.layout().map_err(broken)? {
            Layout::Compact { .. } | Layout::Contiguous { address: Some(_), .. } => dataset.read().map_err(broken),
            _ => Err(format!(
                "dataset '{path}' is not stored in one piece, as Keras does; save the model in Keras again"
            )),
        }
    }
}

/// Type and shape, as `f32 [3, 3, 1, 32]`.
fn describe(dataset: &Dataset) -> Result<String, Error> {
    Ok(format!("{} {:?}", dataset.dtype()?, dataset.shape()?))
}

fn damaged(what: &str, error: &Error) -> String {
    format!("{what} ({error}); save the model in Keras again")
}

#[cfg(test)]
mod tests {
    use super::super::hdf5_writer::{Array, Group};
    use super::*;

    #[test]
    fn reading_ends_where_far_more_is_read_than_the_file_holds() {
        let mut root = Group::default();
        let values: Vec<f32> = (0..1 << 20).map(|index| index as f32).collect();
        root.array("a/b", &[1 << 20], Array::F32(values.clone()));
        let reader = Reader::open(&root.encode().unwrap()).unwrap();
        // Twice the file of 4 MiB, and 16 MiB more.
        for _ in 0..5 {
            assert!(reader.floats("a/b", &[1 << 20]).unwrap() == values);
        }
        let mut again = (0..3).map(|_| reader.floats("a/b", &[1 << 20]));
        let problem = again.find_map(Result::err).unwrap();
        assert!(problem.contains("far more is read than the file holds"), "{problem}");
    }

    #[test]
    fn arrays_of_another_type_or_shape_are_refused() {
        let mut root = Group::default();
        root.array("a/floats", &[2, 3], Array::F32(vec![1.0; 6]));
        root.array("a/steps", &[], Array::I64(vec![7]));
        let reader = Reader::open(&root.encode().unwrap()).unwrap();
        assert_eq!(reader.integer("a/steps"), Ok(7));
        for (read, expected) in [
            (reader.floats("a/floats", &[3, 2]), "dataset 'a/floats' is f32 [2, 3], not f32 [3, 2] as its layer's;"),
            (reader.floats("a/steps", &[]), "dataset 'a/steps' is i64 [], not f32 [] as its layer's;"),
            (reader.floats("a/none", &[1]), "dataset 'a/none' cannot be read ("),
            (reader.floats("a", &[1]), "dataset 'a' cannot be read ("),
        ] {
            let problem = read.unwrap_err();
            assert!(problem.contains(expected), "no '{expected}' in: {problem}");
        }
    }
}
