//! Images within a figure.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// An image, and where in its figure it lies.
pub struct Bitmap {
    /// Its upper left corner.
    corner: (i32, i32),
    /// Its width and height there.
    size: (u32, u32),
    /// Whether each of its pixels is to be seen as a square.
    enlarged: bool,
    address: String,
}

impl Bitmap {
    /// Of pixels `[H, W, C]`; see [`data_address`].
    ///
    /// # Panics
    /// Where there are not so many pixels.
    pub fn new(corner: (i32, i32), size: (u32, u32), pixels: &[u8], shape: [usize; 3]) -> Self {
        Self { corner, size, enlarged: size.0 as usize >= shape[1], address: data_address(pixels, shape) }
    }

    /// The same image, so far to the right and down.
    pub(super) fn moved(self, (right, down): (i32, i32)) -> Self {
        Self { corner: (self.corner.0 + right, self.corner.1 + down), ..self }
    }

    /// As a part of an SVG file.
    pub(super) fn element(&self) -> String {
        let ((x, y), (width, height)) = (self.corner, self.size);
        let style = if self.enlarged { " style=\"image-rendering:pixelated\"" } else { "" };
        let place = format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
        format!("<image {place}{style} preserveAspectRatio=\"none\" href=\"{}\"/>\n", self.address)
    }
}

/// The address that is itself a PNG of pixels `[H, W, C]`, for an SVG file or a page. The first three of three or more
/// channels are red, green and blue. The first one of fewer is ink on white paper: 0 is white and 255 black.
///
/// # Panics
/// Where there are not so many pixels.
pub fn data_address(pixels: &[u8], [height, width, channels]: [usize; 3]) -> String {
    assert_eq!(pixels.len(), height * width * channels, "pixels");
    let pixels = pixels.chunks_exact(channels);
    let (colour, values): (_, Vec<u8>) = match channels {
        1 | 2 => (png::ColorType::Grayscale, pixels.map(|pixel| 255 - pixel[0]).collect()),
        _ => (png::ColorType::Rgb, pixels.flat_map(|pixel| &pixel[..3]).copied().collect()),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_compression(png::Compression::High);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&values));
    written.expect("memory takes every byte");
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes))
}
