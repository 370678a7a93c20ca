//! The font and the colours of all pictures.

use std::sync::Once;

use plotters::style::{FontStyle, RGBColor, TextStyle, register_font};

/// Colours that people with any kind of colour vision tell apart (Okabe and Ito, 2008), without their black and yellow.
pub const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// Of text and axes.
pub const INK: RGBColor = RGBColor(40, 40, 40);
/// Of grids.
pub const FAINT: RGBColor = RGBColor(222, 222, 222);

/// The name under which SVG viewers find a font of their own, and the bitmaps the one that is part of the program.
const FAMILY: &str = "sans-serif";

/// Text of a size in pixels.
pub fn text(size: u32) -> TextStyle<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let font = include_bytes!("../../assets/DejaVuSans.ttf");
        // A test draws text, which fails without a font.
        drop(register_font(FAMILY, FontStyle::Normal, font));
    });
    TextStyle::from((FAMILY, size)).color(&INK)
}
