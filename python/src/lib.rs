//! The engine as a module of Python.
use pyo3::prelude::*;
#[pymodule]
mod _engine {}
