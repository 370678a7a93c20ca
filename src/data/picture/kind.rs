//! What a file is that is no picture which can be read, by its first bytes.

/// What to do with what is no picture.
pub const GIVE: &str = "give a PNG, JPEG, WebP, BMP or GIF picture";

/// What to do with a picture of another kind.
pub const CONVERT: &str = "save it as PNG or JPEG and give that (magick FILE picture.png, say)";

/// Pictures of other kinds, and documents that programs show as pictures: where their signature is, it, and their name.
const PICTURES: [(usize, &[u8], &str); 26] = [
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypavis", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC photograph"),
    (4, b"ftyphev", "a HEIC photograph"),
    (4, b"ftypmif1", "a HEIC photograph"),
    (4, b"ftypmsf1", "a HEIC photograph"),
    (4, b"ftypcrx", "a camera's raw photograph"),
    (4, b"ftyp", "a film"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw photograph"),
    (8, b"CR\x02\0", "a camera's raw photograph"),
    (0, b"IIU\0", "a camera's raw photograph"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"II+\0", "a TIFF picture"),
    (0, b"8BPS", "a Photoshop picture"),
    (0, b"gimp xcf", "a GIMP picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"qoif", "a QOI picture"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance picture"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
];

/// What a file is and what to do, in words.
pub fn problem(bytes: &[u8]) -> String {
    let has =
        |&&(at, signature, _): &&(usize, &[u8], &str)| bytes.get(at..).is_some_and(|rest| rest.starts_with(signature));
    if let Some((_, _, name)) = PICTURES.iter().find(has) {
        return format!("{name}; {CONVERT}");
    }
    let head = &bytes[..bytes.len().min(1024)];
    let pixmap = head.len() > 2 && head[0] == b'P' && (b'1'..=b'7').contains(&head[1]) && head[2].is_ascii_whitespace();
    if pixmap {
        return format!("a portable pixmap; {CONVERT}");
    }
    // A character may be cut at the end of the head.
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let is_text = !text.trim_end_matches('\u{fffd}').contains(['\u{fffd}', '\0']);
    match text {
        text if is_text && text.contains("<svg") => format!("an SVG drawing; {CONVERT}"),
        text if is_text && (text.contains("<html") || text.contains("<!doctype")) => {
            format!("a web page; {GIVE}, not the page that shows it")
        }
        _ if is_text => format!("a text; {GIVE}"),
        _ => format!("no picture that is known; {GIVE}"),
    }
}
