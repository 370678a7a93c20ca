//! A file's bytes as an image.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::jpeg;
use super::kind::{self, CONVERT, GIVE};

/// At 8 bytes for each pixel, the most that a PNG can have, half a gigabyte.
const MOST_PIXELS: u64 = 8192 * 8192;

/// The most pixels for each byte of a JPEG: a block of colours takes at least two bits for each of its channels, and, where
/// they are subsampled, is of 256 pixels. Progressive files may do with half of it. Who promises more has none.
const JPEG_PIXELS: u64 = 1024;

/// The image in it, and the way up that a camera noted; or what is wrong with it and what to do.
pub fn decode(bytes: &[u8]) -> Result<(DynamicImage, Orientation), String> {
    // By what the file holds; what it is called proves nothing.
    let format = image::guess_format(bytes).ok();
    let known = |format: &ImageFormat| {
        matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Bmp | ImageFormat::Gif)
    };
    let format = format.filter(known).ok_or_else(|| kind::problem(bytes))?;
    let damaged = |error: String| format!("cannot be decoded ({}); {GIVE}", error.replace('\n', " "));
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(|error| damaged(error.to_string()))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS {
        let most = MOST_PIXELS.isqrt();
        return Err(format!("{width} x {height} pixels are too many; scale it down, to {most} x {most} at most"));
    }
    if pixels == 0 {
        return Err(damaged("it has no pixels".into()));
    }
    // How it was turned is worth little if the note is damaged.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    if format == ImageFormat::Jpeg {
        let scans = jpeg::scans(bytes);
        if scans.cut_off || pixels > JPEG_PIXELS * bytes.len() as u64 {
            return Err(damaged("the file is cut off".into()));
        }
        if scans.separate {
            let most = decoder.total_bytes() as usize;
            let refused = |error| format!("cannot be decoded (JPEG with separate scans: {error}); {CONVERT}");
            return Ok((jpeg::decode_separate(bytes, most).map_err(refused)?, orientation));
        }
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|error| damaged(error.to_string()))?;
    Ok((image, orientation))
}
