//! The line that shows an epoch's progress, as Keras words it.

use std::slice;

use super::console::Console;
use super::output::folded;

/// What the line tells.
pub struct Line<'a> {
    pub step: usize,
    pub steps: usize,
    /// Expected to remain, or at the end taken in all.
    pub seconds: f64,
    pub seconds_per_step: f64,
    pub metrics: &'a [(&'a str, f64)],
}

const WIDEST_BAR: usize = 20;
const NARROWEST_BAR: usize = 4;
/// Metrics that stay on the line of the bar when a narrow terminal breaks it.
const FIRST_METRICS: usize = 2;

impl Line<'_> {
    /// Without a bar, for logs and files.
    pub fn plain(&self) -> String {
        format!("{} {}{}", self.count(), self.timing(), spelled(self.metrics))
    }

    /// With a bar where there is room for one, for this terminal: on as many lines as it takes, none of them as long as
    /// the terminal is wide, or it would wrap.
    pub fn for_terminal(&self, console: &Console) -> String {
        self.fitted(console.width(), console.has_colour())
    }

    fn fitted(&self, width: usize, colour: bool) -> String {
        let (count, width) = (self.count(), width.saturating_sub(1));
        let few = self.metrics.len().min(FIRST_METRICS);
        for first in [self.metrics.len(), few] {
            let tail = format!("{}{}", self.timing(), spelled(&self.metrics[..first]));
            let room = width.checked_sub(count.len() + 2 + tail.len()).filter(|&room| room >= NARROWEST_BAR);
            let Some(room) = room else { continue };
            let line = format!("{count} {} {tail}", self.bar(room.min(WIDEST_BAR), colour));
            let others = lines(String::new(), &self.metrics[first..], count.len() + 1, width);
            return [vec![line], others].concat().join("\n");
        }
        lines(format!("{count} {}", self.timing()), self.metrics, count.len() + 1, width).join("\n")
    }

    /// ` 12/94`
    fn count(&self) -> String {
        let width = self.steps.to_string().len();
        format!("{:>width$}/{}", self.step, self.steps)
    }

    /// `━━━╸━━━━`: all that is done is bright where there are colours.
    fn bar(&self, width: usize, colour: bool) -> String {
        let done = width * self.step / self.steps.max(1);
        let head = usize::from(done < width);
        let (bright, dim, plain) = if colour { ("\x1b[32m", "\x1b[90m", "\x1b[0m") } else { ("", "", "") };
        let (done, head, rest) = ("━".repeat(done), "╸".repeat(head), "━".repeat(width - done - head));
        format!("{bright}{done}{head}{dim}{rest}{plain}")
    }

    /// `3s 30ms/step`
    fn timing(&self) -> String {
        let each = match self.seconds_per_step {
            long if long >= 1.0 => format!("{long:.0}s"),
            short if short >= 1e-3 => format!("{:.0}ms", short * 1e3),
            tiny => format!("{:.0}us", tiny * 1e6),
        };
        format!("{} {each}/step", clock(self.seconds))
    }
}

/// `3s`, `1:02`, `1:02:03`
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, rest) => format!("{rest}s"),
        (0, minutes, rest) => format!("{minutes}:{rest:02}"),
        (hours, minutes, rest) => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

/// ` - accuracy: 0.8123 - loss: 0.5321`
pub fn spelled(metrics: &[(&str, f64)]) -> String {
    metrics.iter().map(|(name, value)| format!(" - {name}: {value:.4}")).collect()
}

/// A line that was begun, with metrics after it: before one that would go beyond the width, a new line begins. It is
/// indented where that leaves room.
fn lines(begun: String, metrics: &[(&str, f64)], indent: usize, width: usize) -> Vec<String> {
    let mut lines = vec![begun];
    for metric in metrics {
        let words = spelled(slice::from_ref(metric));
        match lines.last_mut() {
            Some(line) if !line.is_empty() && line.len() + words.len() <= width => *line += &words,
            _ => lines.push(format!("{:indent$}{}", "", words.trim_start())),
        }
    }
    // Where not even a word fits, it is cut.
    let parts = lines.iter().flat_map(|line| folded(line, width)).filter(|_| width > 0);
    let cut = parts.flat_map(|part| part.as_bytes().chunks(width));
    cut.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: [(&str, f64); 4] =
        [("accuracy", 0.74123), ("loss", 0.74171), ("val_accuracy", 0.8413), ("val_loss", 0.44444)];

    fn line(step: usize, metrics: &[(&'static str, f64)], width: usize) -> String {
        Line { step, steps: 94, seconds: 2.6, seconds_per_step: 0.0301, metrics }.fitted(width, false)
    }

    #[test]
    fn the_line_reads_as_keras_words_it() {
        assert_eq!(
            line(12, &METRICS[..2], 200),
            "12/94 ━━╸━━━━━━━━━━━━━━━━━ 3s 30ms/step - accuracy: 0.7412 - loss: 0.7417"
        );
        assert_eq!(
            line(94, &METRICS, 200),
            "94/94 ━━━━━━━━━━━━━━━━━━━━ 3s 30ms/step - accuracy: 0.7412 - loss: 0.7417 - val_accuracy: 0.8413 - \
             val_loss: 0.4444"
        );
    }

    #[test]
    fn no_terminal_is_too_narrow() {
        assert_eq!(
            line(94, &METRICS, 60),
            "94/94 ━━━━━━ 3s 30ms/step - accuracy: 0.7412 - loss: 0.7417\n      - val_accuracy: 0.8413 - val_loss: 0.4444"
        );
        assert_eq!(
            line(94, &METRICS, 40),
            "94/94 3s 30ms/step - accuracy: 0.7412\n      - loss: 0.7417\n      - val_accuracy: 0.8413\n      - val_loss: 0.4444"
        );
        for width in 0..200 {
            for line in line(50, &METRICS, width).lines() {
                assert!(line.chars().count() < width.max(1), "{width}: {line}");
            }
        }
    }

    #[test]
    fn no_terminal_loses_a_number() {
        for width in 15..200 {
            for colour in [false, true] {
                let metrics = [&METRICS[..], &[("loss", 123_456.789)]].concat();
                let line = Line { step: 7, steps: 12_345, seconds: 4000.0, seconds_per_step: 0.5, metrics: &metrics };
                let shown = line.fitted(width, colour);
                let words: Vec<&str> = shown.split_whitespace().collect();
                let plain = line.plain();
                let missing: Vec<&str> = plain.split_whitespace().filter(|word| !words.contains(word)).collect();
                assert!(missing.is_empty(), "{width}: no {missing:?} in {shown}");
            }
        }
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let timing =
            |seconds, seconds_per_step| Line { step: 1, steps: 2, seconds, seconds_per_step, metrics: &[] }.timing();
        assert_eq!(timing(59.4, 2.2), "59s 2s/step");
        assert_eq!(timing(61.0, 0.0004), "1:01 400us/step");
        assert_eq!(timing(3723.0, 0.02), "1:02:03 20ms/step");
    }
}
