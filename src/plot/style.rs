//! The font and the colours of all pictures.

use std::sync::Once;

use plotters::style::text_anchor::{HPos, Pos, VPos};
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

/// The name under which SVG viewers find a font of their own, and the program the one that is part of it.
pub(super) const FAMILY: &str = "sans-serif";
pub(super) const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");
pub(super) const FONT_NAME: &str = "DejaVu Sans";

/// Text of a size in pixels.
pub fn text(size: u32) -> TextStyle<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // A test draws text, which fails without a font.
        drop(register_font(FAMILY, FontStyle::Normal, FONT));
    });
    TextStyle::from((FAMILY, size)).color(&INK)
}

/// The same, its middle in both directions at the place where it is drawn.
pub fn centred(size: u32) -> TextStyle<'static> {
    text(size).pos(Pos::new(HPos::Center, VPos::Center))
}

/// The pixels that words of a size take from left to right. Most viewers' own fonts are narrower.
pub fn width(words: &str, size: u32) -> i32 {
    text(size).font.layout_box(words).map_or(0, |(_, (width, _))| width)
}
