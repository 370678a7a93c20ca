//! The crate's errors as Python's.

use gpu_fmnist::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyArithmeticError, PyKeyboardInterrupt, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

create_exception!(gpu_fmnist, AdapterError, PyRuntimeError, "No such adapter, or its limits are too small.");
create_exception!(gpu_fmnist, DeviceError, PyRuntimeError, "The device was lost or is out of memory.");
create_exception!(gpu_fmnist, DivergedError, PyArithmeticError, "The loss is no longer a finite number.");

/// One line that names the thing at fault and the remedy.
pub fn raised(error: Error) -> PyErr {
    let line = error.to_string();
    match error {
        Error::Usage(_) | Error::Data(_) => PyValueError::new_err(line),
        Error::Adapter(_) => AdapterError::new_err(line),
        Error::Device(_) => DeviceError::new_err(line),
        Error::Diverged(_) => DivergedError::new_err(line),
        Error::Interrupted(_) => PyKeyboardInterrupt::new_err(line),
        Error::Failed(_) | Error::Busy(_) => PyRuntimeError::new_err(line),
    }
}

/// What was given is not what `argument` must be.
pub fn refused(argument: &str, problem: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!("{argument}: {problem}"))
}
