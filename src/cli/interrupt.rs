//! Ctrl-C: the first one asks for an orderly end, the second ends at once.

use std::ops::ControlFlow;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt (SIGINT, SIGTERM) only shows in [`requested`].
///
/// # Errors
/// [`Error::Failed`] where the system has no such handlers.
pub fn watch() -> Result<()> {
    let handler = || {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            process::exit(130);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Error::Failed(format!("Ctrl-C cannot be watched for: {error}")))
}

/// `Break` once an interrupt came.
pub fn requested() -> ControlFlow<()> {
    if REQUESTED.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
