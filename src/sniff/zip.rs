//! Kinds of zip archives, by the names of what is in them.

use super::kinds::{Kind, SAVE_WHOLE, WRITE_WEIGHTS, always, arrays, contains, head, network, other, readable};

/// The names are at the members' beginnings and once more in the directory at the end.
const ENDS: usize = 1 << 16;

const UNPACK: &str = "unpack it first (unzip)";

pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(b"PK\x05\x06") {
        return Some(other("an empty zip archive"));
    }
    if !bytes.starts_with(b"PK\x03\x04") {
        return None;
    }
    let tail = &bytes[bytes.len().saturating_sub(ENDS)..];
    let has = |name: &[u8]| contains(head(bytes, ENDS), name) || contains(tail, name);
    Some(match () {
        () if has(b"/constants.pkl") || has(b"/code/__torch__") => network("a TorchScript model (.pt)", WRITE_WEIGHTS),
        () if has(b"/data.pkl") => network("a PyTorch file (.pt, .pth)", WRITE_WEIGHTS),
        () if has(b"config.json") => readable("a Keras model (.keras)"),
        () if has(b".npy") => arrays("NumPy arrays (.npz)"),
        () if has(b"saved_model.pb") => network("a SavedModel in a zip archive", SAVE_WHOLE),
        () if has(b"-ubyte") => always("a zip archive with IDX files", UNPACK),
        () => always("a zip archive", UNPACK),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Vec<u8> {
        let length = (name.len() as u16).to_le_bytes();
        [b"PK\x03\x04".as_slice(), &[0; 22], &length, &[0; 2], name.as_bytes()].concat()
    }

    #[test]
    fn archives_are_told_apart_by_their_members() {
        for (names, expected) in [
            (&["net/data.pkl", "net/version"][..], "a PyTorch file (.pt, .pth)"),
            (&["net/data.pkl", "net/constants.pkl"], "a TorchScript model (.pt)"),
            (&["metadata.json", "config.json", "model.weights.h5"], "a Keras model (.keras)"),
            (&["x_train.npy"], "NumPy arrays (.npz)"),
            (&["model/saved_model.pb"], "a SavedModel in a zip archive"),
            (&["train-images-idx3-ubyte"], "a zip archive with IDX files"),
            (&["anything"], "a zip archive"),
        ] {
            let bytes: Vec<u8> = names.iter().flat_map(|name| member(name)).collect();
            assert_eq!(kind(&bytes).map(|kind| kind.name), Some(expected));
        }
    }
}
