//! Kinds by the magic numbers of their files.

use super::kinds::{
    DOWNLOAD, Kind, SAVE_WHOLE, WRITE_WEIGHTS, always, arrays, contains, head, network, other, picture, readable,
};

const UNPACK: &str = "unpack it first";
const EXPORT_AGAIN: &str = "save the model that it was converted from as .keras or .h5";

/// Where a file has which bytes.
pub(super) const MAGIC: &[(usize, &[u8], Kind)] = &[
    (
        0,
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19",
        network("a PyTorch file (.pt, .pth, of before 1.6)", WRITE_WEIGHTS),
    ),
    (4, b"TFL3", network("a TensorFlow Lite model (.tflite)", EXPORT_AGAIN)),
    (0, b"GGUF", network("a GGUF model", WRITE_WEIGHTS)),
    (0, b"\x89HDF\r\n\x1a\n", readable("an HDF5 file (.h5)")),
    (512, b"\x89HDF\r\n\x1a\n", readable("an HDF5 file (.h5)")),
    (0, b"MATLAB 5.0", arrays("a MATLAB file (.mat)")),
    (0, b"MATLAB 7.3", arrays("a MATLAB file (.mat)")),
    (0, b"\x93NUMPY", arrays("a NumPy array (.npy)")),
    (0, b"PAR1", arrays("a Parquet table")),
    (0, b"ARROW1", arrays("an Arrow table")),
    (0, b"SQLite format 3\0", arrays("an SQLite database")),
    (0, b"\xfd7zXZ\0", always("a file compressed by xz", "unpack it first (xz -d)")),
    (0, b"BZh", always("a file compressed by bzip2", "unpack it first (bunzip2)")),
    (0, b"\x28\xb5\x2f\xfd", always("a file compressed by Zstandard", "unpack it first (zstd -d)")),
    (0, b"\x04\x22\x4d\x18", always("a file compressed by LZ4", "unpack it first (lz4 -d)")),
    (0, b"LZIP", always("a file compressed by lzip", "unpack it first (lzip -d)")),
    (0, b"\x1f\x9d", always("a file compressed by compress (.Z)", "unpack it first (gunzip)")),
    (0, b"7z\xbc\xaf\x27\x1c", always("a 7z archive", "unpack it first (7z x)")),
    (0, b"Rar!\x1a\x07", always("a RAR archive", "unpack it first (unrar x)")),
    (0, b"MSCF\0\0\0\0", always("a cabinet archive", UNPACK)),
    (257, b"ustar", always("a tar archive", "unpack it first (tar -xf)")),
    (0, b"\x89PNG\r\n\x1a\n", picture("a PNG picture")),
    (0, b"\xff\xd8\xff", picture("a JPEG picture")),
    (0, b"GIF8", picture("a GIF picture")),
    (8, b"WEBP", picture("a WebP picture")),
    (4, b"ftypavif", picture("an AVIF picture")),
    (4, b"ftypavis", picture("an AVIF picture")),
    (4, b"ftyphei", picture("a HEIC photograph")),
    (4, b"ftyphev", picture("a HEIC photograph")),
    (4, b"ftypmif1", picture("a HEIC photograph")),
    (4, b"ftypmsf1", picture("a HEIC photograph")),
    (4, b"ftypcrx", picture("a camera's raw photograph")),
    (4, b"ftyp", picture("a film")),
    (0, b"FUJIFILMCCD-RAW", picture("a camera's raw photograph")),
    (8, b"CR\x02\0", picture("a camera's raw photograph")),
    (0, b"IIU\0", picture("a camera's raw photograph")),
    (0, b"II*\0", picture("a TIFF picture")),
    (0, b"MM\0*", picture("a TIFF picture")),
    (0, b"II+\0", picture("a TIFF picture")),
    (0, b"8BPS", picture("a Photoshop picture")),
    (0, b"gimp xcf", picture("a GIMP picture")),
    (0, b"\xff\x0a", picture("a JPEG XL picture")),
    (0, b"\0\0\0\x0cJXL ", picture("a JPEG XL picture")),
    (0, b"\0\0\0\x0cjP  ", picture("a JPEG 2000 picture")),
    (0, b"\xff\x4f\xff\x51", picture("a JPEG 2000 picture")),
    (0, b"\0\0\x01\0", picture("an icon")),
    (0, b"qoif", picture("a QOI picture")),
    (0, b"v/1\x01", picture("an OpenEXR picture")),
    (0, b"#?RADIANCE", picture("a Radiance picture")),
    (0, b"%PDF-", picture("a PDF document")),
    (0, b"%!PS", picture("a PostScript document")),
    (8, b"WAVE", other("a sound file")),
    (0, b"\x7fELF", other("a program")),
    (0, b"MZ\x90\0", other("a program")),
];

/// How the table of a LevelDB file ends, which TensorFlow's `.index` files are.
const LEVELDB: &[u8] = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb";

pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    let has =
        |&(offset, magic, _): &(usize, &[u8], Kind)| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((_, _, kind)) = MAGIC.iter().find(|row| has(row)) {
        return Some(*kind);
    }
    match bytes {
        _ if bytes.len() >= 16 && bytes.iter().all(|&byte| byte == 0) => {
            Some(always("a file of nothing but zeros, as an unfinished download leaves it", DOWNLOAD))
        }
        [0, 0, 8 | 9 | 0x0b..=0x0e, 1..=4, ..] => Some(other("an IDX file")),
        [1..=4, 8 | 9 | 0x0b..=0x0e, 0, 0, ..] => Some(other("an IDX file in little-endian order")),
        [b'B', b'M', ..] if bytes.get(6..10) == Some(&[0; 4]) => Some(picture("a BMP picture")),
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\n' | b'\r', ..] => Some(picture("a portable pixmap")),
        [0x80, 2..=5, b'c' | b'}' | b']' | b'(' | b'X' | b'K' | 0x8a | 0x95, ..] => Some(pickle(bytes)),
        [0x78, 0x01 | 0x9c | 0xda, ..] => Some(arrays("a file compressed by zlib, as joblib does it")),
        _ if bytes.ends_with(LEVELDB) => Some(network("a TensorFlow checkpoint's index", SAVE_WHOLE)),
        _ => protobuf(bytes),
    }
}

pub(super) fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..).is_some_and(|rest| rest.starts_with(b"ustar"))
}

fn pickle(bytes: &[u8]) -> Kind {
    let start = head(bytes, 4096);
    match () {
        () if contains(start, b"sklearn") => arrays("a pickled scikit-learn model (.pkl, .joblib)"),
        () if contains(start, b"torch") => network("a pickled PyTorch object", WRITE_WEIGHTS),
        () => arrays("a Python pickle (.pkl, .joblib)"),
    }
}

/// Protocol buffers have no magic numbers: these are told by the order of their first fields.
fn protobuf(bytes: &[u8]) -> Option<Kind> {
    let saved_model = network("a SavedModel's graph (saved_model.pb)", super::folder::SAVED_MODEL);
    match *bytes {
        // A version, then a message that begins with a message or a text.
        [8, version @ 1..=20, 0x12, ..] => match first_of_message(&bytes[3..])? {
            [0x0a, inside @ ..] if version == 1 && first_of_message(inside)?.first() == Some(&0x12) => {
                Some(saved_model)
            }
            [0x0a, ..] if version == 1 && contains(head(bytes, 1 << 16), b"tensorflow") => Some(saved_model),
            [0x0a, ..] => Some(network("a Core ML model (.mlmodel)", EXPORT_AGAIN)),
            _ => Some(readable("an ONNX file")),
        },
        [8, 1..=20, 0x1a | 0x22 | 0x2a | 0x3a | 0x42, ..] => Some(readable("an ONNX file")),
        [0x0a, ..] if contains(head(bytes, 512), b"Placeholder") || contains(head(bytes, 512), b"\x12\x05Const") => {
            Some(network("a TensorFlow graph (.pb)", EXPORT_AGAIN))
        }
        _ => None,
    }
}

/// What follows the length of a message.
fn first_of_message(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)?;
    Some(&bytes[length + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_buffers_are_told_apart() {
        let name = |bytes: &[u8]| kind(bytes).map(|kind| kind.name);
        assert_eq!(
            name(b"\x08\x01\x12\x82\x01\x0a\x40\x12\x3e\x0a\x05"),
            Some("a SavedModel's graph (saved_model.pb)")
        );
        assert_eq!(name(b"\x08\x04\x12\x20\x0a\x08\x0a\x05image"), Some("a Core ML model (.mlmodel)"));
        assert_eq!(name(b"\x08\x08\x12\x07pytorch\x1a\x03"), Some("an ONNX file"));
        assert_eq!(name(b"\x0a\x20\x0a\x01x\x12\x0bPlaceholder"), Some("a TensorFlow graph (.pb)"));
        assert_eq!(name(b"\x08\x01\x12"), None);
    }
}
