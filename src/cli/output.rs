//! Data for stdout. A reader who has gone away (`| head`) is no error: what was asked for is done all the same.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use terminal_size::terminal_size_of;

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

/// Writes text with tables in it. On a terminal that is narrower than they are, lines end between two words, so that no
/// number is torn.
///
/// # Errors
/// See [`bytes`].
pub fn tables(text: &str) -> Result<()> {
    let Some((width, _)) = terminal_size_of(io::stdout()) else { return self::text(text) };
    let lines = text.lines().flat_map(|line| folded(line, usize::from(width.0)));
    self::text(&lines.map(|line| line.to_owned() + "\n").collect::<String>())
}

/// A line in parts that are no wider than this, but for words that are.
pub fn folded(line: &str, width: usize) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), line);
    while let Some((end, next)) = rest.char_indices().nth(width) {
        let before = if next == ' ' { Some(end) } else { rest[..end].rfind(' ') };
        let before = before.filter(|&place| !rest[..place].trim().is_empty());
        let Some(place) = before.or_else(|| Some(end + rest[end..].find(' ')?)) else { break };
        parts.push(rest[..place].trim_end());
        rest = rest[place..].trim_start();
    }
    parts.push(rest);
    parts
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
    fn a_narrow_terminal_tears_no_number() {
        assert_eq!(folded("", 20), [""]);
        assert_eq!(folded("    mean   0.3269  0.8848", 20), ["    mean   0.3269", "0.8848"]);
        assert_eq!(folded("    a-word-that-is-wider 1", 10), ["    a-word-that-is-wider", "1"]);
        let row = format!("{:>12}  {}", "Größe", (0..20).map(|n| format!("{:>7.3}", f64::from(n))).collect::<String>());
        for width in 20..200 {
            let parts = folded(&row, width);
            assert!(parts.iter().all(|part| part.chars().count() <= width), "{width}: {parts:?}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&parts.join(" ")), words(&row));
        }
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["0".into(), "a long name".into(), "x".into()]];
        assert_eq!(table(&["index", "name", "type"], &rows), "index  name         type\n0      a long name  x\n");
    }
}
