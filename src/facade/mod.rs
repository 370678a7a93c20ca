//! What a program needs that trains with this crate: a [`Device`], and a [`Classifier`] on it.

mod classifier;
mod device;
mod watcher;

pub use classifier::Classifier;
pub use device::{Device, Pace};
pub use watcher::{FitProgress, Watcher};
