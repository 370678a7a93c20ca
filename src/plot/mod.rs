//! Pictures: one font, one palette, and each picture as SVG and as PNG.

mod bitmap;
mod figure;
mod heat_map;
mod labels;
mod roofline;
mod samples;
mod style;

pub use bitmap::{Bitmap, data_address};
pub use figure::{Area, Drawn, Figure, save, save_as, svg};
pub use heat_map::HeatMap;
pub use roofline::{Point, Roofline};
pub use samples::{Sample, Samples};
pub use style::{FAINT, INK, PALETTE, text};
