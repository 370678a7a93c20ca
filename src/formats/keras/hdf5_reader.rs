//! HDF5 files as Keras writes them, from bytes that are not trusted.
//!
//! The library checks what it reads, but a file can still send it in circles, or name the same bytes again and again.
//! So it reads through a [`Metered`] source, which stops after so many bytes; that bounds its time and its memory. What is
//! compressed may be far larger than the file: [`Reader::floats`] asks how large before it unpacks, and stops there, too.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use half::f16;
use hdf5_pure::{DType, Dataset, Datatype, DatatypeByteOrder, Error, File, FormatError, Layout, Source};

use super::message::Found;

/// The largest file that is read: a few times its size is in memory while it is.
pub const LARGEST: usize = 1 << 27;
/// The most bytes that all arrays of a file may be when they are unpacked.
const MOST_UNPACKED: u64 = LARGEST as u64;
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

pub struct Reader {
    file: File,
    /// Bytes that may still be unpacked.
    left: Cell<u64>,
}

impl Reader {
    pub fn open(bytes: Vec<u8>) -> Found<Self> {
        if bytes.len() > LARGEST {
            return Err(format!("has {} bytes; at most {LARGEST} are read", bytes.len()));
        }
        let left = 2 * bytes.len() as u64 + ALLOWANCE;
        let file = File::from_source(Metered { bytes, left: left.into() });
        let file = file.map_err(|error| damaged("is no whole HDF5 file", &error))?;
        Ok(Self { file, left: Cell::new(MOST_UNPACKED) })
    }

    /// Bytes of the file.
    pub fn length(&self) -> usize {
        usize::try_from(self.file.file_size()).unwrap_or_default()
    }

    /// The texts of an attribute of the group at that path, `""` for the root; none where it has no such attribute, or
    /// one that is no text, as Keras writes empty lists. A long list is in several attributes, with numbers after the key.
    pub fn texts(&self, path: &str, key: &str) -> Found<Vec<String>> {
        let read = || self.group(path)?.attrs();
        let attributes = read().map_err(|error| damaged(&format!("group '{path}' cannot be read"), &error))?;
        let texts = |key: &str| attributes.get(key).and_then(|value| value.as_strings());
        if let Some(texts) = texts(key) {
            return Ok(texts.to_vec());
        }
        Ok((0..).map_while(|number| texts(&format!("{key}{number}"))).flatten().cloned().collect())
    }

    pub fn has_group(&self, path: &str) -> bool {
        self.group(path).is_ok()
    }

    /// The groups in the group at that path; none where there is no such group.
    pub fn groups(&self, path: &str) -> Vec<String> {
        self.group(path).and_then(|group| group.groups()).unwrap_or_default()
    }

    /// How many datasets are in the group at that path; none where there is no such group.
    pub fn datasets(&self, path: &str) -> usize {
        self.group(path).and_then(|group| group.datasets()).map_or(0, |names| names.len())
    }

    /// The values of the dataset of floating-point numbers at that path, which has this shape.
    pub fn floats(&self, path: &str, shape: &[usize]) -> Found<Vec<f32>> {
        let is_float = |kind: &DType| matches!(kind, DType::F32 | DType::F64) || half_precision(kind).is_some();
        let (dataset, kind) = self.dataset(path, shape, is_float, "f32")?;
        let values = match half_precision(&kind) {
            None => dataset.read_f32(),
            Some(of) => dataset.read_raw().map(|bytes| {
                let pairs = bytes.chunks_exact(2);
                pairs.map(|pair| of([pair[0], pair[1]]).to_f32()).collect()
            }),
        };
        values.map_err(|error| broken(path, &error))
    }

    /// The value of the scalar dataset of integers at that path.
    pub fn integer(&self, path: &str) -> Found<i64> {
        use DType::{I8, I16, I32, I64, U8, U16, U32, U64};
        let is_integer = |kind: &DType| matches!(kind, I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64);
        let (dataset, _) = self.dataset(path, &[], is_integer, "i64")?;
        let values = dataset.read_i64().map_err(|error| broken(path, &error))?;
        values.first().copied().ok_or_else(|| format!("dataset '{path}' is empty; save the model in Keras again"))
    }

    fn group(&self, path: &str) -> Result<hdf5_pure::Group, Error> {
        if path.is_empty() { Ok(self.file.root()) } else { self.file.group(path) }
    }

    /// The dataset at that path, which has this shape, a type that `fits`, and is not too large to be unpacked; and its type.
    /// `usual` is the type that Keras gives it.
    fn dataset(
        &self,
        path: &str,
        shape: &[usize],
        fits: impl Fn(&DType) -> bool,
        usual: &str,
    ) -> Found<(Dataset, DType)> {
        let broken = |error: Error| broken(path, &error);
        let dataset = self.file.dataset(path).map_err(broken)?;
        let (kind, found) = (dataset.dtype().map_err(broken)?, dataset.shape().map_err(broken)?);
        if !fits(&kind) || found.iter().map(|&size| usize::try_from(size).ok()).ne(shape.iter().copied().map(Some)) {
            let expected = format!("{usual} {shape:?}");
            return Err(format!(
                "dataset '{path}' is {kind} {found:?}, not {expected} as its layer's; give another file"
            ));
        }
        self.pay(unpacked(&dataset, path)?)?;
        Ok((dataset, kind))
    }

    /// Refuses where all arrays together would be too large.
    fn pay(&self, bytes: u64) -> Found<()> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or(format!("its arrays are more than {MOST_UNPACKED} bytes; give a smaller network"))?);
        Ok(())
    }
}

/// What makes an f16 of its bytes, which the library does not, where that is the type.
fn half_precision(kind: &DType) -> Option<fn([u8; 2]) -> f16> {
    let DType::Other(kind) = kind else { return None };
    match **kind {
        Datatype::FloatingPoint { size: 2, byte_order, ref layout } if layout.exponent_size == 5 => match byte_order {
            DatatypeByteOrder::LittleEndian => Some(f16::from_le_bytes),
            DatatypeByteOrder::BigEndian => Some(f16::from_be_bytes),
            DatatypeByteOrder::Vax => None,
        },
        _ => None,
    }
}

/// The bytes that reading the dataset makes: its values as f32 or f64, or all of its chunks where those are more.
fn unpacked(dataset: &Dataset, path: &str) -> Found<u64> {
    let broken = |error: Error| broken(path, &error);
    let odd = || format!("dataset '{path}' is not stored as Keras does; save the model in Keras again");
    let shape = dataset.shape().map_err(broken)?;
    let size = dataset.element_size().map_err(broken)?.max(4);
    let bytes = |sizes: &[u64]| sizes.iter().try_fold(size, |bytes, &size| bytes.checked_mul(size));
    match dataset.layout().map_err(broken)? {
        Layout::Compact { .. } | Layout::Contiguous { address: Some(_), .. } => bytes(&shape).ok_or_else(odd),
        Layout::Chunked { chunk_shape, .. } if chunk_shape.len() == shape.len() && !chunk_shape.contains(&0) => {
            let mut counts = shape.iter().zip(&chunk_shape).map(|(size, chunk)| size.div_ceil(*chunk));
            let count = counts.try_fold(1_u64, |count, size| count.checked_mul(size)).ok_or_else(odd)?;
            let chunk = bytes(&chunk_shape).ok_or_else(odd)?.saturating_add(READ);
            let all = count.saturating_mul(chunk);
            if all > MOST_UNPACKED {
                return Ok(all);
            }
            // Each once: a file may also name one again and again.
            let stored = dataset.chunks().map_err(broken)?.len() as u64;
            if stored == count { Ok(all) } else { Err(odd()) }
        }
        _ => Err(odd()),
    }
}

fn broken(path: &str, error: &Error) -> String {
    damaged(&format!("dataset '{path}' cannot be read"), error)
}

fn damaged(what: &str, error: &Error) -> String {
    format!("{what} ({error}); save the model in Keras again")
}

#[cfg(test)]
mod tests {
    use super::super::hdf5_writer::{Group, Values};
    use super::*;

    #[test]
    fn reading_ends_where_far_more_is_read_than_the_file_holds() {
        let mut root = Group::default();
        let values: Vec<f32> = (0..1 << 20).map(|index| index as f32).collect();
        root.array("a/b", &[1 << 20], Values::F32(values.clone()));
        let reader = Reader::open(root.encode().unwrap()).unwrap();
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
        root.array("a/floats", &[2, 3], Values::F32(vec![1.0; 6]));
        root.array("a/steps", &[], Values::I64(vec![7]));
        let reader = Reader::open(root.encode().unwrap()).unwrap();
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
