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

/// Those, and four darker ones that are as far from them and from each other, for more classes than curves: simulated
/// (Machado, Oliveira and Fernandes, 2009) for people who lack any one kind of cone, no two come nearer than two of
/// `PALETTE`.
pub const CLASSES: [RGBColor; 10] = [
    PALETTE[0],
    PALETTE[1],
    PALETTE[2],
    PALETTE[3],
    PALETTE[4],
    PALETTE[5],
    RGBColor(136, 34, 85),
    RGBColor(51, 34, 136),
    RGBColor(120, 70, 20),
    RGBColor(0, 0, 0),
];

/// Of text and axes.
pub const INK: RGBColor = RGBColor(40, 40, 40);
/// Of grids.
pub const FAINT: RGBColor = RGBColor(222, 222, 222);

/// The name under which SVG viewers find a font of their own, and the program the one that is part of it.
pub(super) const FAMILY: &str = "sans-serif";
pub(super) const FONT: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");
pub(super) const FONT_NAME: &str = "DejaVu Sans";

/// Sizes of text in pixels: an em, which is about as high as a line is.
pub const TITLE: u32 = 17;
pub const TEXT: u32 = 14;
pub const SMALL: u32 = 12;

/// Text of a size.
pub fn text(size: u32) -> TextStyle<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // A test draws text, which fails without a font.
        drop(register_font(FAMILY, FontStyle::Normal, FONT));
    });
    // plotters divides by this number.
    TextStyle::from((FAMILY, 1.24 * f64::from(size))).color(&INK)
}

/// The same, drawn to the left or right of a place, above or below it, or around it.
pub fn anchored(size: u32, across: HPos, down: VPos) -> TextStyle<'static> {
    text(size).pos(Pos::new(across, down))
}

/// The pixels that words of a size take from left to right. Most viewers' own fonts are narrower.
pub fn width(words: &str, size: u32) -> i32 {
    text(size).font.layout_box(words).map_or(0, |(_, (width, _))| width)
}
