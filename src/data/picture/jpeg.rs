//! JPEG files whose colours come in scans of their own, which `jpegtran -scans` and some cameras write.
//!
//! ITU-T T.81 allows them, but zune-jpeg, which `image` decodes with, gets them wrong where colours are subsampled: up to
//! 0.5.15 whole pictures, later ones the last rows (its issues 419, 422 and 448). jpeg-decoder, which `image` used before, is
//! right; zune-jpeg is faster and reads more kinds of the others.

use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{Decoder, PixelFormat};

/// What a JPEG's headers say of its scans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scans {
    /// Whether it is sequential, and its first scan has only some of the colours.
    pub separate: bool,
    /// Whether the file ends in the middle of a scan, where something should follow.
    pub cut_off: bool,
}

/// Start of image, of a scan; end of image.
const SOI: u8 = 0xd8;
const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;

/// Walks from marker to marker. Of what is no JPEG nothing is said: the decoder finds out.
pub fn scans(bytes: &[u8]) -> Scans {
    let (mut scans, mut components, mut scanning, mut at) = (Scans::default(), None, false, 0);
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = after;
        match marker {
            SOI | 0x01 => continue,
            EOI => return scans,
            _ => {}
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else { break };
        let body = bytes.get(at + 2..).unwrap_or_default();
        match marker {
            // Sequential frames: baseline and extended.
            0xc0 | 0xc1 => components = body.get(5).copied(),
            SOS => {
                let of_scan = body.first().copied();
                scans.separate |= !scanning && components.is_some_and(|all| of_scan.is_some_and(|some| some < all));
                scanning = true;
            }
            _ => {}
        }
        at += usize::from(u16::from_be_bytes([high, low])).max(2);
    }
    scans.cut_off = scanning;
    scans
}

/// The next marker from a place on, and the place after it. Within a scan, a byte 255 is followed by 0, restart markers
/// (D0 to D7) belong to it, and any number of bytes 255 may precede a marker.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)? + 1;
        match bytes.get(at)? {
            0 | 0xd0..=0xd7 | 0xff => {}
            &marker => return Some((marker, at + 1)),
        }
    }
}

/// Decodes one with separate scans; at most `most` bytes of pixels.
pub fn decode_separate(bytes: &[u8], most: usize) -> Result<DynamicImage, String> {
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(most);
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    let info = decoder.info().ok_or("no header")?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let image = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::L16 | PixelFormat::CMYK32 => None,
    };
    image.ok_or_else(|| "colours for print in separate scans".into())
}
