//! A run as one HTML page that stands alone: without network or script, and readable on a phone, in the dark, on paper
//! and by ear. [`Contents`] is what it is made of, [`html`] a pure function of it.

mod contents;
mod drawings;
mod page;
mod samples;
mod tables;

pub use contents::Contents;
pub use drawings::Drawing;
pub use page::html;
