//! Pictures: one font, one palette, and each picture as SVG and as PNG.

mod figure;
mod labels;
mod roofline;
mod style;

pub use figure::{Area, Drawn, Figure, save};
pub use roofline::{Point, Roofline};
pub use style::{FAINT, INK, PALETTE, text};
