//! Weights in files beside the model's, ONNX' external data, which PyTorch's exporter writes unless it is told not to:
//! <https://github.com/onnx/onnx/blob/main/docs/ExternalData.md>.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Component, Path};

use crate::formats::bounded_read::{LARGEST, read_at_most};
use crate::formats::onnx::fields::{entry, graph, model, tensor};
use crate::formats::onnx::shown::{Found, shown};
use crate::formats::protobuf::{Fields, Value, bytes};

/// What makes one file of both.
const WHOLE: &str =
    "write it whole, as onnx.save(onnx.load(FILE), FILE) does, or torch.onnx.export with external_data=False";

/// The files with weights, by what the model's calls them.
pub struct External<'a>(BTreeMap<&'a [u8], Vec<u8>>);

impl<'a> External<'a> {
    /// Those that the weights of the model `file` are in, from its folder; none where it lies in no folder.
    pub fn read(file: &'a [u8], folder: Option<&Path>) -> Found<Self> {
        let mut files = BTreeMap::new();
        let (Some(folder), Some(graph)) = (folder, bytes(file, model::GRAPH)) else { return Ok(Self(files)) };
        let mut left = LARGEST;
        for field in Fields::of(graph).flatten() {
            if let (graph::INITIALIZER, Value::Bytes(message)) = field
                && is_external(message)
                && let Some(location) = said(message, "location")
                && !files.contains_key(location)
            {
                let read = beside(folder, location, left)?;
                left -= read.len() as u64;
                files.insert(location, read);
            }
        }
        Ok(Self(files))
    }

    /// Bytes of all files.
    pub fn length(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// So many bytes of the tensor's values.
    pub fn values(&self, message: &[u8], length: usize) -> Found<&[u8]> {
        let name = shown(bytes(message, tensor::NAME).unwrap_or_default());
        let location = said(message, "location").unwrap_or_default();
        let file =
            self.0.get(location).ok_or_else(|| format!("tensor {name} is in another file (external data); {WHOLE}"))?;
        let number = |key, default| match said(message, key) {
            Some(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            None => Some(default),
        };
        let part = number("offset", 0)
            .filter(|_| number("length", length) == Some(length))
            .and_then(|offset: usize| file.get(offset..offset.checked_add(length)?));
        part.ok_or_else(|| {
            let file = shown(location);
            format!("tensor {name} has not the values that its shape needs in {file}; copy both files, or export them, again")
        })
    }
}

/// Whether a `TensorProto`'s values are elsewhere.
pub fn is_external(message: &[u8]) -> bool {
    Fields::of(message).flatten().any(|field| matches!(field, (tensor::DATA_LOCATION, Value::Number(1))))
}

/// What a `TensorProto` says of where its values are.
fn said<'a>(message: &'a [u8], key: &str) -> Option<&'a [u8]> {
    Fields::of(message).flatten().find_map(|field| match field {
        (tensor::EXTERNAL_DATA, Value::Bytes(pair)) if bytes(pair, entry::KEY) == Some(key.as_bytes()) => {
            bytes(pair, entry::VALUE)
        }
        _ => None,
    })
}

/// The file of at most so many bytes in the folder, or in one within it: a model is not to read any file of the machine.
fn beside(folder: &Path, location: &[u8], most: u64) -> Found<Vec<u8>> {
    let name = shown(location);
    let path = Path::new(std::str::from_utf8(location).unwrap_or_default());
    if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("has weights in {name}, which is not beside it; {WHOLE}"));
    }
    match read_at_most(&folder.join(path), most) {
        Ok(Some(read)) => Ok(read),
        Ok(None) => Err(format!("has weights in {name}: more than {LARGEST} bytes; give a smaller network")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("has weights in {name}, which is not there; copy it beside this file, or {WHOLE}"))
        }
        Err(error) => Err(format!("has weights in {name}, which cannot be read ({error}); {WHOLE}")),
    }
}
