//! What `watch` shows on a terminal: a table of the runs, and of the chosen one what it is, and its curves.
//!
//! Only the terminal's own foreground and colours are used that can be told from a light and from a dark background.
//! Nothing is told by colour alone.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table, TableState};

use super::progress::clock;
use super::watch_curves::{Curve, curves};
use crate::model::thousands;
use crate::tracking::{Status, TrackedRun};

/// What is to be drawn.
pub struct View<'a> {
    pub runs: &'a [TrackedRun],
    /// Where runs are looked for, in words.
    pub places: &'a str,
    /// The chosen run's place.
    pub selected: usize,
    /// Whether to draw its steps instead of its epochs.
    pub steps: bool,
    pub colour: bool,
}

/// Headings, their widths, and from which width of the terminal on there is room for them; the first takes what is left.
const COLUMNS: [(&str, u16, u16); 9] = [
    ("run", 0, 0),
    ("status", 8, 0),
    ("epoch", 9, 0),
    ("loss", 6, 70),
    ("val_loss", 8, 62),
    ("val_acc", 7, 44),
    ("images/s", 9, 80),
    ("left", 8, 53),
    ("device", 30, 110),
];
const NARROWEST_NAME: u16 = 12;
/// The curves beside each other need half of this each; below so many rows they are beside each other all the same.
const BESIDE: u16 = 100;
const LOW: u16 = 22;
/// Seconds without a step after which that is said.
const SILENT: f64 = 30.0;
const KEYS: &str = " up/down choose a run   s steps or epochs   q quit";

/// Draws everything.
pub fn draw(frame: &mut Frame, view: &View) {
    let area = frame.area();
    let Some(run) = view.runs.get(view.selected) else {
        let text = format!("no run in {} yet; waiting for one (q quits)", view.places);
        return frame.render_widget(Paragraph::new(text).alignment(Alignment::Center), area);
    };
    let details = details(run);
    // A line for the headings, one for each run, and the border.
    let rows = (view.runs.len() as u16).saturating_add(3).min((area.height / 3).max(5));
    let [table, about, charts, footer] = Layout::vertical([
        Constraint::Length(rows),
        Constraint::Length(details.len() as u16),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_table(frame, table, view);
    frame.render_widget(Paragraph::new(Text::from(details)), about);
    draw_curves(frame, charts, view, run);
    frame.render_widget(Paragraph::new(KEYS).style(Style::new().add_modifier(Modifier::DIM)), footer);
}

fn draw_curves(frame: &mut Frame, area: Rect, view: &View, run: &TrackedRun) {
    if area.height < 4 {
        return;
    }
    let beside = area.width >= BESIDE || area.height < LOW;
    let halves = [Constraint::Ratio(1, 2), Constraint::Ratio(1, 2)];
    let [first, second] = if beside { Layout::horizontal(halves) } else { Layout::vertical(halves) }.areas(area);
    // Before there are two epochs they make no curve.
    let steps = view.steps || run.epochs.len() < 2 && !run.steps().is_empty();
    curves(frame, first, &Curve::loss(run, steps), view.colour);
    curves(frame, second, &Curve::accuracy(run, steps), view.colour);
}

fn draw_table(frame: &mut Frame, area: Rect, view: &View) {
    let columns: Vec<usize> = (0..COLUMNS.len()).filter(|&place| area.width >= COLUMNS[place].2).collect();
    let widths = columns.iter().map(|&place| match place {
        0 => Constraint::Min(NARROWEST_NAME),
        _ => Constraint::Length(COLUMNS[place].1),
    });
    // Beside the others, the blanks between them, the border and the mark of the chosen one.
    let others: u16 = columns.iter().map(|&place| COLUMNS[place].1 + 1).sum();
    let room = area.width.saturating_sub(others + 3).max(NARROWEST_NAME);
    let cell = |place: usize, text: String| {
        let numbers = (2..8).contains(&place);
        Cell::from(Line::from(text).alignment(if numbers { Alignment::Right } else { Alignment::Left }))
    };
    let row = |run: &TrackedRun| {
        let cells = cells(run, room.into());
        let style = |place| if place == 1 { status_style(run.status, view.colour) } else { Style::new() };
        Row::new(columns.iter().map(|&place| cell(place, cells[place].clone()).style(style(place))))
    };
    let headings = Row::new(columns.iter().map(|&place| cell(place, COLUMNS[place].0.into())));
    let running = view.runs.iter().filter(|run| run.status == Status::Running).count();
    let title = format!(" {} in {}, {running} running ", counted(view.runs.len()), view.places);
    let table = Table::new(view.runs.iter().map(row), widths)
        .header(headings.style(Style::new().add_modifier(Modifier::BOLD)))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .highlight_symbol("> ")
        .block(Block::bordered().title(title));
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(view.selected));
}

/// What a run's row says, by [`COLUMNS`].
fn cells(run: &TrackedRun, room: usize) -> [String; COLUMNS.len()] {
    let last = run.epochs.last().map(|epoch| epoch.result);
    let number = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.4}"));
    let of = run.number("epochs").map_or_else(|| "?".into(), |epochs| epochs.to_string());
    let status = match run.status {
        Status::Running => "running",
        Status::Finished => "finished",
        Status::Stopped => "stopped",
    };
    [
        shortened(&run.path().display().to_string(), room),
        status.into(),
        format!("{}/{of}", run.epochs.len()),
        number(last.map(|last| last.loss)),
        number(last.and_then(|last| last.val_loss)),
        number(last.and_then(|last| last.val_accuracy)),
        run.samples_per_second().map_or_else(|| "-".into(), |speed| thousands(speed.round())),
        run.seconds_left().map_or_else(|| "-".into(), clock),
        run.environment.as_ref().map(|environment| environment.device.clone()).unwrap_or_default(),
    ]
}

/// What the chosen run is and where it stands, a line each.
fn details(run: &TrackedRun) -> Vec<Line<'static>> {
    let device = run.environment.as_ref().map_or("an unknown device", |environment| &environment.device);
    let mut lines = vec![format!(" {} on {device}: {}", run.model(), made_with(run))];
    let steps = run.steps_per_epoch().map_or_else(|| "?".into(), |steps| steps.to_string());
    let each = run.epochs.last().and_then(|epoch| epoch.seconds);
    let each = each.map(|seconds| format!(", {seconds:.1} s an epoch")).unwrap_or_default();
    let mut state = match run.status {
        Status::Running => {
            let left = run.seconds_left().map(|left| format!(", {} left", clock(left))).unwrap_or_default();
            let (epoch, step) = (run.epochs.len() + 1, run.steps_under_way());
            let all = run.number("epochs").unwrap_or(epoch);
            match epoch > all {
                true => " all epochs are trained, the test is under way".into(),
                false => format!(" epoch {epoch}/{all}, step {step}/{steps}{each}{left}"),
            }
        }
        Status::Finished => format!(" finished after epoch {}{each}", run.epochs.len()),
        Status::Stopped => format!(" stopped after epoch {}{each}; 'train --resume' goes on", run.epochs.len()),
    };
    if let Some(silent) = run.seconds_silent().filter(|&silent| run.status == Status::Running && silent > SILENT) {
        state += &format!("; no step for {}", clock(silent));
    }
    lines.push(state);
    let validated = run.epochs.iter().filter_map(|epoch| Some((epoch.result.val_accuracy?, epoch.result.epoch)));
    let best = validated.reduce(|best, other| if other.0 > best.0 { other } else { best });
    let best = best.map(|(accuracy, epoch)| format!("best val_accuracy {accuracy:.4} in epoch {epoch}"));
    let test = run.test.map(|test| format!("test loss {:.4}, test accuracy {:.4}", test.loss, test.accuracy));
    let results: Vec<String> = best.into_iter().chain(test).collect();
    lines.push(run.problem.clone().map_or_else(|| format!(" {}", results.join("; ")), |problem| format!(" {problem}")));
    lines.into_iter().map(Line::from).collect()
}

/// `adam, learning rate 0.001, batches of 512, seed 0`
fn made_with(run: &TrackedRun) -> String {
    let text = |value: Option<&toml::Value>| value.map(|value| value.to_string().trim_matches('"').to_owned());
    let optimizer = text(run.config.get("optimizer").and_then(|optimizer| optimizer.get("type")));
    let rate = run.epochs.last().map(|epoch| epoch.result.learning_rate.to_string());
    let rate = rate.or_else(|| text(run.config.get("learning_rate"))).map(|rate| format!("learning rate {rate}"));
    let batch = text(run.config.get("batch_size")).map(|size| format!("batches of {size}"));
    let seed = text(run.config.get("seed")).map(|seed| format!("seed {seed}"));
    [optimizer, rate, batch, seed].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn status_style(status: Status, colour: bool) -> Style {
    match status {
        Status::Running if colour => Style::new().fg(Color::Green).add_modifier(Modifier::BOLD),
        Status::Stopped if colour => Style::new().fg(Color::Red),
        Status::Running => Style::new().add_modifier(Modifier::BOLD),
        _ => Style::new(),
    }
}

fn counted(runs: usize) -> String {
    format!("{runs} run{}", if runs == 1 { "" } else { "s" })
}

/// The end of a path that is too long: names differ there.
fn shortened(path: &str, room: usize) -> String {
    let letters = path.chars().count();
    match letters.checked_sub(room) {
        None | Some(0) => path.to_owned(),
        Some(more) => format!("…{}", path.chars().skip(more + 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::train::RunLock;

    /// A run of three epochs of two steps each, two and a half of which are done.
    fn write(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write(
            "config.toml",
            "epochs = 3\nbatch_size = 8\nseed = 7\nlearning_rate = 0.001\n[optimizer]\ntype = 'adam'\n[model]\nname = 'tiny'\n",
        );
        write(
            "metrics.csv",
            "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,training_flop,seconds\n\
             1,0.5,0.75,0.625,0.5,0.001,7,2.000\n2,0.25,0.875,0.5,0.625,0.001,14,4.000\n",
        );
        let steps: String =
            (1..=5).map(|step| format!("{step},{},0.5,0.5,0.001,8,{step}.0\n", (step + 1) / 2)).collect();
        write("steps.csv", &format!("step,epoch,loss,accuracy,learning_rate,samples,time\n{steps}"));
    }

    fn drawn(runs: &[TrackedRun], [columns, rows]: [u16; 2], steps: bool, colour: bool) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let view = View { runs, places: "runs", selected: 0, steps, colour };
        terminal.draw(|frame| draw(frame, &view)).unwrap();
        terminal.backend().buffer().clone()
    }

    fn text(buffer: &Buffer) -> String {
        let width = usize::from(buffer.area.width);
        let symbols: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
        symbols.chunks(width).map(|row| row.concat() + "\n").collect()
    }

    #[test]
    fn a_terminal_of_any_size_shows_what_it_has_room_for() {
        let scratch = tempfile::tempdir().unwrap();
        write(&scratch.path().join("one"));
        write(&scratch.path().join("two"));
        fs::create_dir(scratch.path().join("new")).unwrap();
        let lock = RunLock::take(&scratch.path().join("one")).unwrap();
        let runs = ["one", "two", "new"].map(|name| TrackedRun::open(&scratch.path().join(name)));
        for size in [[80, 24], [80, 50], [160, 50], [200, 60]] {
            let shown = text(&drawn(&runs, size, false, true));
            for words in [
                "3 runs in runs, 1 running",
                "running",
                "stopped",
                "2/3",
                "0.5000",
                "0.6250",
                "q quit",
                "tiny on an unknown device: adam, learning rate 0.001, batches of 8, seed 7",
                "epoch 3/3, step 1/2, 4.0 s an epoch, 2s left",
                "best val_accuracy 0.6250 in epoch 2",
                "loss by epoch:",
                "accuracy by epoch:",
                "⠒⠒ train",
                "/one",
            ] {
                assert!(shown.contains(words), "no '{words}' at {size:?}:\n{shown}");
            }
            assert!(text(&drawn(&runs, size, true, true)).contains("loss by step:"), "{size:?}");
        }
        drop(lock);
        for (columns, rows) in
            (1..170).step_by(7).flat_map(|columns| (1..60).step_by(3).map(move |rows| (columns, rows)))
        {
            for some in [&runs[..], &runs[2..], &[]] {
                drawn(some, [columns, rows], rows % 2 == 0, false);
            }
        }
        assert!(text(&drawn(&[], [80, 24], false, true)).contains("no run in runs yet; waiting for one (q quits)"));
    }

    #[test]
    fn colours_suit_any_background_and_there_need_be_none() {
        let scratch = tempfile::tempdir().unwrap();
        write(&scratch.path().join("one"));
        let runs = [TrackedRun::open(&scratch.path().join("one"))];
        let colours = |colour| {
            let buffer = drawn(&runs, [120, 40], false, colour);
            let cells = buffer.content.iter().flat_map(|cell| [cell.fg, cell.bg]).collect::<Vec<_>>();
            [Color::Reset, Color::Green, Color::Magenta, Color::Red]
                .map(|of| cells.iter().filter(|&&own| own == of).count())
        };
        let all = 2 * 120 * 40;
        assert_eq!(colours(false), [all, 0, 0, 0]);
        let coloured = colours(true);
        assert!(coloured.iter().sum::<usize>() == all && coloured[1..].iter().all(|&cells| cells > 0), "{coloured:?}");
    }
}
