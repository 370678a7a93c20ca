//! Messages for people, on stderr, and the record of them that becomes `train.log`.

use std::env;
use std::io::{self, IsTerminal, Write};

use super::flags::spelled;
use crate::error::Error;

/// Where messages go. Failures to write them are nothing to stop for.
pub struct Console {
    quiet: bool,
    terminal: bool,
    colour: bool,
    /// How many of the terminal's rows, the last ones, are still to be rewritten.
    open: usize,
    log: String,
}

impl Console {
    pub fn new(quiet: bool) -> Self {
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { quiet, terminal, colour: terminal && !set("NO_COLOR"), open: 0, log: String::new() }
    }

    /// Whether lines can be rewritten.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub fn has_colour(&self) -> bool {
        self.colour
    }

    /// The terminal's columns.
    pub fn width(&self) -> usize {
        terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0))
    }

    /// Says one line and records it.
    pub fn say(&mut self, line: &str) {
        self.record(line);
        self.show(line);
    }

    /// Shows a line for good without recording it.
    pub fn show(&mut self, line: &str) {
        self.put(line, "\n");
        self.open = 0;
    }

    /// Shows what the next line replaces; nothing where that cannot be done.
    pub fn show_for_now(&mut self, line: &str) {
        if self.terminal {
            self.put(line, "");
            self.open = rows(line, self.width());
        }
    }

    /// Adds a line to the record without showing it.
    pub fn record(&mut self, line: &str) {
        self.log += line;
        self.log.push('\n');
    }

    /// Puts what an earlier part of the run recorded before what this one did.
    pub fn record_before(&mut self, earlier: &str) {
        self.log.insert_str(0, earlier);
    }

    /// Everything recorded.
    pub fn log(&self) -> &str {
        &self.log
    }

    fn put(&self, line: &str, end: &str) {
        if !self.quiet {
            let start = match self.open {
                0 => String::new(),
                1 => "\r\x1b[J".to_owned(),
                rows => format!("\r\x1b[{}A\x1b[J", rows - 1),
            };
            let mut stderr = io::stderr().lock();
            drop(write!(stderr, "{start}{line}{end}").and_then(|()| stderr.flush()));
        }
    }
}

impl Drop for Console {
    /// What follows, an error say, begins on a line of its own.
    fn drop(&mut self) {
        if self.open > 0 && !self.quiet {
            drop(writeln!(io::stderr()));
        }
    }
}

/// How many rows of a terminal that wide text takes, whose colours take none.
fn rows(text: &str, width: usize) -> usize {
    let mut rows = 0;
    for line in text.split('\n') {
        let coloured = line.split('\x1b').enumerate();
        let visible = coloured.map(|(place, part)| match part.split_once('m') {
            Some((_, rest)) if place > 0 => rest.chars().count(),
            _ => part.chars().count(),
        });
        rows += visible.sum::<usize>().div_ceil(width.max(1)).max(1);
    }
    rows
}

/// Says what went wrong, and who says it; nothing where that is said already.
pub fn tell(who: &str, error: &Error) {
    let text = spelled(&error.to_string()).replace('\n', " ");
    // Being interrupted after saving is what the user asked for.
    let label = if let Error::Interrupted(_) = error { "" } else { "error: " };
    if !text.is_empty() {
        drop(writeln!(io::stderr(), "{label}{who}{text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_a_terminal_has_them() {
        assert_eq!(rows("", 40), 1);
        assert_eq!(rows("12/94 3s\n - loss", 40), 2);
        assert_eq!(rows(&"x".repeat(80), 40), 2);
        assert_eq!(rows(&format!("\x1b[32m{}\x1b[90m━\x1b[0m", "━".repeat(39)), 40), 1);
    }
}
