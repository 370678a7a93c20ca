//! Data for stdout. A reader who has gone away (`| head`) is no error: what was asked for is done all the same.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::error::{Error, Result};

/// Writes at once.
///
/// # Errors
/// [`Error::Failed`] where stdout is a full disk, say.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    printed(io::stdout().lock().write_all(bytes))
}

/// What writing to stdout came to, once nothing of it is held back.
///
/// # Errors
/// See [`bytes`].
pub fn printed(written: io::Result<()>) -> Result<()> {
    match written.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::Failed(format!("stdout: cannot be written ({error}); send it elsewhere")))
        }
        _ => Ok(()),
    }
}

/// Writes text that ends in a newline.
///
/// # Errors
/// See [`bytes`].
pub fn text(text: &str) -> Result<()> {
    bytes(text.as_bytes())
}

/// Writes one line of JSON.
///
/// # Errors
/// See [`bytes`].
pub fn json(value: &impl Serialize) -> Result<()> {
    let line = serde_json::to_string(value).map_err(|error| Error::Failed(format!("no JSON: {error}")))?;
    text(&(line + "\n"))
}

/// Columns as wide as their widest cell, under their headings.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let rows: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |row: &&Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["0".into(), "a long name".into(), "x".into()]];
        assert_eq!(table(&["index", "name", "type"], &rows), "index  name         type\n0      a long name  x\n");
    }
}
