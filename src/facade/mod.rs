//! What a program needs that trains with this crate: a [`Device`], and a [`Classifier`] on it.

mod classifier;
mod device;

pub use classifier::{Classifier, FitProgress};
pub use device::{Device, Pace};
