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
