//! Pictures: one font, one palette, and each picture as SVG and as PNG.

mod bar_chart;
mod bitmap;
mod box_plot;
mod components;
mod curves;
mod dot_plot;
mod epochs;
mod figure;
mod heat_map;
mod labels;
#[cfg(test)]
mod layout;
mod legend;
mod marks;
mod panel;
mod parallel_coordinates;
mod reliability;
mod roofline;
mod samples;
mod scatter;
mod scree;
mod style;
mod trade_off;

pub use bar_chart::{Bar, BarChart};
pub use bitmap::{Bitmap, data_address};
pub use box_plot::{BoxPlot, Values};
pub use components::{Component, Components};
pub use curves::{Curve, Curves, Epoch, Figures};
pub use dot_plot::{DotPlot, Row};
pub use epochs::Epochs;
pub use figure::{Area, Drawn, Figure, save, save_as, svg};
pub use heat_map::HeatMap;
pub use marks::{Marks, Shape};
pub use parallel_coordinates::{Coordinate, Line, ParallelCoordinates};
pub use reliability::Reliability;
pub use roofline::{Point, Roofline};
pub use samples::{Sample, Samples};
pub use scatter::Scatter;
pub use scree::Scree;
pub use style::{CLASSES, FAINT, INK, PALETTE, text};
pub use trade_off::{Choice, TradeOff};
