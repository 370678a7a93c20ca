//! What a file is that is no picture which can be read.

use crate::sniff::{self, Wanted};

/// What to do with what is no picture.
pub const GIVE: &str = "give a PNG, JPEG, WebP, BMP or GIF picture";

/// What to do with a picture of another kind.
pub const CONVERT: &str = "save it as PNG or JPEG and give that (magick FILE picture.png, say)";

/// What a file is and what to do, in words.
pub fn problem(bytes: &[u8]) -> String {
    match sniff::kind(bytes) {
        Some(kind) if kind.is_picture() => format!("{}; {CONVERT}", kind.name),
        Some(kind) => kind.line(Wanted::Picture, GIVE),
        None => format!("no picture that is known; {GIVE}"),
    }
}
