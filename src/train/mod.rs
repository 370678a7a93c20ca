//! The training loop and what it writes.

mod engine;

pub use engine::{Engine, Placement, Source, Tally};
