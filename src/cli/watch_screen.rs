//! Runs that are watched on a terminal: what keys do, and when is drawn. watch_view.rs draws.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::console::Console;
use super::interrupt;
use super::watch_view::{View, draw};
use super::watched::Watched;
use crate::error::{Error, Result};
use crate::tracking::Status;

/// Between two looks at the runs.
const EVERY: Duration = Duration::from_millis(500);
/// Between two looks whether a signal came.
const AWAKE: Duration = Duration::from_millis(100);
/// Runs that page up and down go by.
const PAGE: isize = 10;

/// What is chosen.
#[derive(Default)]
struct Choice {
    /// The run, wherever it is among them.
    run: Option<PathBuf>,
    /// Its steps instead of its epochs.
    steps: bool,
}

/// Shows the runs until a key or a signal ends it. However it ends, a panic included, the terminal is as it was before.
///
/// # Errors
/// [`Error::Failed`] where the terminal cannot be used.
pub fn show(watched: &mut Watched) -> Result<()> {
    interrupt::watch_but_for_hangups(&mut Console::new(true));
    let unusable = |error: io::Error| Error::Failed(format!("the terminal cannot be used ({error}); give --plain"));
    // It also has panics restore the terminal first.
    let mut terminal = ratatui::try_init().map_err(unusable)?;
    let ended = keep_showing(&mut terminal, watched);
    ratatui::restore();
    ended.map_err(unusable)
}

fn keep_showing(terminal: &mut DefaultTerminal, watched: &mut Watched) -> io::Result<()> {
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut choice = Choice::default();
    let mut looked = Instant::now();
    loop {
        let selected = choice.place(watched);
        let (runs, places) = (&watched.runs, watched.places());
        let view = View { runs, places: &places, selected, steps: choice.steps, colour };
        terminal.draw(|frame| draw(frame, &view))?;
        // Until something is to be drawn again.
        loop {
            if interrupt::requested(()).is_break() {
                return Ok(());
            }
            if looked.elapsed() >= EVERY {
                watched.look();
                looked = Instant::now();
                break;
            }
            if !event::poll(AWAKE)? {
                continue;
            }
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => match pressed(key) {
                    Some(Action::End) => return Ok(()),
                    Some(action) => choice.change(&action, watched),
                    None => continue,
                },
                Event::Resize(..) => {}
                _ => continue,
            }
            break;
        }
    }
}

/// What a key does.
#[derive(Debug, PartialEq)]
enum Action {
    End,
    Move(isize),
    Steps,
}

fn pressed(key: KeyEvent) -> Option<Action> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c' | 'd') if control => Action::End,
        _ if control => return None,
        KeyCode::Char('q') | KeyCode::Esc => Action::End,
        KeyCode::Char('s') => Action::Steps,
        KeyCode::Up | KeyCode::Char('k') => Action::Move(-1),
        KeyCode::Down | KeyCode::Char('j') => Action::Move(1),
        KeyCode::PageUp => Action::Move(-PAGE),
        KeyCode::PageDown => Action::Move(PAGE),
        KeyCode::Home => Action::Move(isize::MIN),
        KeyCode::End => Action::Move(isize::MAX),
        _ => return None,
    })
}

impl Choice {
    /// Where the chosen run is; the first one that is running where none is chosen yet.
    fn place(&self, watched: &Watched) -> usize {
        let chosen = self.run.as_ref().and_then(|path| watched.runs.iter().position(|run| run.path() == path));
        let running = || watched.runs.iter().position(|run| run.status == Status::Running);
        chosen.or_else(running).unwrap_or(0)
    }

    fn change(&mut self, action: &Action, watched: &Watched) {
        match action {
            Action::Move(by) => {
                let last = watched.runs.len().saturating_sub(1);
                let place = self.place(watched).saturating_add_signed(*by).min(last);
                self.run = watched.runs.get(place).map(|run| run.path().to_owned());
            }
            Action::Steps => self.steps = !self.steps,
            Action::End => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_the_footer_says() {
        let key = |code, modifiers| pressed(KeyEvent::new(code, modifiers));
        let plain = |code| key(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('q')), Some(Action::End));
        assert_eq!(plain(KeyCode::Esc), Some(Action::End));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::End));
        assert_eq!(plain(KeyCode::Char('c')), None);
        assert_eq!(key(KeyCode::Char('s'), KeyModifiers::CONTROL), None);
        assert_eq!([plain(KeyCode::Down), plain(KeyCode::Char('k'))], [Some(Action::Move(1)), Some(Action::Move(-1))]);
    }
}
