//! Reads a stream that may or may not be gzip-compressed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// The two bytes every gzip stream starts with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes of `source`, decompressed when they start as a gzip stream does. The name of a file plays no part in it:
/// downloads get renamed, and some clients unpack a `.gz` on the way without renaming it.
pub(super) fn unpacked<'a>(mut source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::with_capacity(GZIP_MAGIC.len());
    source.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    let compressed = start == GZIP_MAGIC;
    let whole = io::Cursor::new(start).chain(source);
    Ok(if compressed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// Whether an error from [`unpacked`] means that the gzip stream is not a whole and sound one.
pub(super) fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
}

/// What went wrong while reading from [`unpacked`] and what to do about it, as `problem; remedy`.
pub(super) fn explain(error: &io::Error) -> String {
    const REMEDY: &str = "delete the file and run 'gpu-fmnist data fetch'";
    if error.kind() == io::ErrorKind::UnexpectedEof {
        format!("the gzip stream ends early; {REMEDY}")
    } else if is_damage(error) {
        format!("the gzip stream is damaged ({error}); {REMEDY}")
    } else {
        format!("cannot be read ({error}); check the path and its permissions")
    }
}
