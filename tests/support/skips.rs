//! What a test could not do here, said so that it is seen.

use std::fs::OpenOptions;
use std::io::Write;

/// Says `SKIPPED: REASON`, past the harness, which shows nothing of a test that passes. `scripts/test` collects the lines
/// in the file that `GPU_FMNIST_SKIPS` names, and says them again at its end.
pub fn skip(reason: &str) {
    let line = format!("SKIPPED: {}\n", reason.replace('\n', " "));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(path) = std::env::var_os("GPU_FMNIST_SKIPS") {
        // Whole lines, whichever tests write at once.
        OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
    }
}
