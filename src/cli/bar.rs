//! A bar for work whose end is known: on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

use super::console::Console;

/// A bar of indicatif's template, hidden where the console cannot rewrite lines.
pub fn new(console: &Console, template: &str) -> ProgressBar {
    if console.is_terminal() {
        let style = ProgressStyle::with_template(template);
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    } else {
        ProgressBar::hidden()
    }
}
