//! How long work says how far it has come, and is told to stop.

use std::ops::ControlFlow;

use crate::error::{Error, Result};

/// Told from time to time how far some work has come, where nothing else is said as the part of it that is done, 0 to 1;
/// `Break` ends the work.
pub type ProgressCallback<'a, Progress = f64> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Tells the callback.
///
/// # Errors
/// [`Error::Interrupted`] where it ends the work.
pub fn tell<Progress>(callback: ProgressCallback<Progress>, progress: Progress) -> Result<()> {
    match callback(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Interrupted("interrupted before the end".into())),
    }
}
