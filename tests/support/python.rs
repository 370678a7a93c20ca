//! The Python that has the programs which some tests compare with.

use std::path::PathBuf;

use crate::skips::skip;

/// What `GPU_FMNIST_PYTHON` names; `scripts/test` makes one. Without it, what the `comparison` is with is skipped.
pub fn python(comparison: &str) -> Option<PathBuf> {
    let python = std::env::var_os("GPU_FMNIST_PYTHON");
    if python.is_none() {
        skip(&format!("{comparison}: GPU_FMNIST_PYTHON names no Python that has it"));
    }
    python.map(PathBuf::from)
}
