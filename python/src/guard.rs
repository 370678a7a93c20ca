//! Every way into the engine: without the interpreter's lock, never in a forked process, and no panic gets out.

use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::OnceLock;

use gpu_fmnist::{Error, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::raised;

/// The process that used the engine first: threads and devices do not come along when it forks.
static OWNER: OnceLock<u32> = OnceLock::new();

/// Runs `work` without the interpreter's lock.
///
/// # Errors
/// What `work` reports; and in a process that was forked from one that had used the engine.
pub fn engine<T: Send>(py: Python, work: impl Send + FnOnce() -> Result<T>) -> PyResult<T> {
    if *OWNER.get_or_init(process::id) != process::id() {
        return Err(PyRuntimeError::new_err(
            "this process was forked from one that had used gpu_fmnist, whose threads and devices did not come along; \
             use spawn: multiprocessing.set_start_method(\"spawn\")",
        ));
    }
    let result = py.detach(|| panic::catch_unwind(AssertUnwindSafe(work)));
    result
        .unwrap_or_else(|_| Err(Error::Failed("an error in the engine itself; please report it".into())))
        .map_err(raised)
}
