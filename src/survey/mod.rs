//! What one command tells of a machine: its adapters, whether they compute what they should, and how fast. [`Surveyor`]
//! measures part by part within a budget of time, [`Survey`] is what comes of it, [`html`] a page about one, and
//! [`comparison()`] a table of several.

mod comparison;
mod document;
mod drawings;
mod file;
mod machine;
mod page;
mod parts;
mod probes;
mod surveyor;

pub use comparison::{comparison, comparison_html};
pub use document::{AdapterAbout, End, On, Outcome, PartAbout, Survey, Tiles};
pub use page::html;
pub use surveyor::{Host, NO_TIME, Subject, Surveyor};
