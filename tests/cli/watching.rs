//! `watch`: what it says of runs, and that no run notices.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::{Running, Scratch};

/// Every file of a folder, what is in it and when it was written.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let written = folder.metadata().unwrap().modified().unwrap();
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let written = entry.metadata().unwrap().modified().unwrap();
                files.insert(entry.clone(), (fs::read(entry).unwrap(), written));
            }
        }
        files.insert(folder, (Vec::new(), written));
    }
    files
}

fn lines<'a>(text: &'a str, run: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(run)?.strip_prefix(": ")).collect()
}

#[test]
fn ended_runs_are_a_line_an_epoch_and_a_last_one() {
    let scratch = Scratch::new();
    scratch.train("--epochs 2 --run-dir runs/one");
    scratch.train("--epochs 3 --run-dir runs/deeper/two --validation-fraction 0");
    let before = snapshot(&scratch.path("runs"));
    let watched = scratch.succeed("watch");
    assert_eq!(snapshot(&scratch.path("runs")), before, "something was written");
    assert_eq!(watched.stderr, "");
    let (one, two) = (lines(&watched.stdout, "runs/one"), lines(&watched.stdout, "runs/deeper/two"));
    assert_eq!((one.len(), two.len(), watched.stdout.lines().count()), (3, 4, 7), "{watched:?}");
    let metrics = fs::read_to_string(scratch.path("runs/one/metrics.csv")).unwrap();
    let loss: f64 = metrics.lines().nth(2).unwrap().split(',').nth(1).unwrap().parse().unwrap();
    assert!(one[1].starts_with(&format!("epoch 2/2 - loss: {loss:.4} - accuracy: ")), "{one:?}");
    assert!(one[1].contains(" - val_loss: ") && one[1].ends_with(" s"), "{one:?}");
    assert!(!two[2].contains("val_loss"), "{two:?}");
    assert!(one[2].starts_with("finished after epoch 2/2 - test loss: "), "{one:?}");
    assert!(two[3].contains(" - test accuracy: "), "{two:?}");
}

#[test]
fn a_run_is_watched_while_it_trains_and_is_none_the_worse() {
    let scratch = Scratch::new();
    let train = |run: &str| {
        format!("train --model tiny.toml --adapter cpu --batch-size 4 --epochs 300 --no-report --run-dir {run}")
    };
    scratch.succeed(&train("alone"));
    // Before there is anything to watch.
    let watching = Running::start(&mut scratch.command("watch runs/watched --follow"));
    let also = Running::start(&mut scratch.command("watch runs --follow"));
    let training = Running::start(&mut scratch.command(&train("runs/watched")));
    while !scratch.path("runs/watched/metrics.csv").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let once = scratch.succeed("watch runs");
    training.ended().succeeded("train");
    assert_eq!(scratch.last("alone"), scratch.last("runs/watched"));
    let once = lines(&once.stdout, "runs/watched");
    assert_eq!(once.len(), 301, "{once:?}");
    assert!(once[300].starts_with("finished after epoch 300/300 - test loss: "), "{once:?}");
    assert!(once.iter().any(|line| line.ends_with(" left")), "{once:?}");
    std::thread::sleep(Duration::from_secs(2));
    // They go on until they are ended.
    for mut watching in [watching, also] {
        assert!(watching.child().try_wait().unwrap().is_none());
        watching.child().kill().unwrap();
        let ended = watching.ended();
        let all = ended.stdout.lines().filter(|line| line.contains("runs/watched: ")).count();
        assert_eq!((all, ended.stderr.as_str()), (301, ""), "{ended:?}");
    }
}

#[test]
fn a_run_that_was_killed_has_stopped_and_half_a_line_is_no_epoch() {
    let scratch = Scratch::new();
    let arguments = "train --model tiny.toml --adapter cpu --batch-size 4 --epochs 100000 --no-report --run-dir run";
    let mut training = Running::start(&mut scratch.command(arguments));
    while !scratch.path("run/metrics.csv").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    training.child().kill().unwrap();
    training.ended();
    let metrics = fs::read_to_string(scratch.path("run/metrics.csv")).unwrap();
    let epochs = metrics.lines().count() - 1;
    for (name, half) in [("metrics.csv", format!("{},0.5,0.2", epochs + 1)), ("steps.csv", "9999999,1,0.".into())] {
        let path = scratch.path("run").join(name);
        let whole = fs::read_to_string(&path).unwrap() + &half;
        fs::write(path, whole).unwrap();
    }
    let watched = scratch.succeed("watch run");
    let last = lines(&watched.stdout, "run").last().copied().unwrap();
    let resume = "go on with: gpu-fmnist train --resume run";
    assert_eq!(last, format!("stopped after epoch {epochs}/100000; {resume}"));
    assert_eq!(watched.stdout.lines().count(), epochs + 1);
}

#[test]
fn what_is_no_run_is_told_in_one_line() {
    let scratch = Scratch::new();
    scratch.run("watch").failed(3, "runs: there is no such file or folder; check the path");
    scratch.run("watch data").failed(3, "data: the folder of a data set, not the folder of a run");
    scratch.run("watch tiny.toml").failed(3, "tiny.toml: a file, not the folder of a run");
    scratch.train("--epochs 1 --run-dir run");
    scratch.run("watch run nowhere").failed(3, "nowhere: there is no such file or folder; check the path");
    for garbage in ["\u{0}\u{1}", "epoch,loss\n1,inf,NaN,1e999,-1,,1e308\n", &"9,".repeat(100_000)] {
        for name in ["metrics.csv", "steps.csv", "train.log", "config.toml", "environment.json"] {
            fs::write(scratch.path("run").join(name), garbage).unwrap();
        }
        let watched = scratch.succeed("watch run");
        assert!(watched.stdout.contains("run: stopped after epoch 0"), "{watched:?}");
    }
}

/// A terminal of that many columns with `watch` on it, until the keys or the signal end it; all that was shown.
#[cfg(unix)]
fn on_a_terminal(scratch: &Scratch, columns: u16, end: &[u8], signal: Option<crate::support::Signal>) -> String {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::sync::{Arc, Mutex};

    use nix::pty::{Winsize, openpty};
    use nix::sys::termios::tcgetattr;

    let size = Winsize { ws_row: 30, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).unwrap();
    let before = tcgetattr(&pty.slave).unwrap();
    let mut command = scratch.command("watch runs");
    let side = || File::from(pty.slave.try_clone().unwrap());
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR").stdin(side()).stdout(side()).stderr(side());
    let mut child = command.spawn().unwrap();
    let shown: Arc<Mutex<Vec<u8>>> = Arc::default();
    let (mut screen, all) = (File::from(pty.master.try_clone().unwrap()), shown.clone());
    std::thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut part) {
            all.lock().unwrap().extend(&part[..length]);
        }
    });
    let text = || String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    let waited_for = |words: &str| {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            text().contains(words)
        })
    };
    assert!(waited_for("choose a run"), "{}", text());
    assert_ne!(tcgetattr(&pty.slave).unwrap().local_flags, before.local_flags, "not raw");
    File::from(pty.master.try_clone().unwrap()).write_all(end).unwrap();
    if let Some(signal) = signal {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // Out of the other screen, the cursor is there, and the line is edited as before.
    assert!(waited_for("\x1b[?1049l") && waited_for("\x1b[?25h"), "{}", text());
    assert_eq!(tcgetattr(&pty.slave).unwrap(), before);
    text()
}

#[cfg(unix)]
#[test]
fn a_terminal_is_as_it_was_however_watching_ends() {
    use crate::support::Signal;

    let scratch = Scratch::new();
    scratch.train("--epochs 3 --run-dir runs/one");
    scratch.train("--epochs 3 --run-dir runs/two");
    let before = snapshot(&scratch.path("runs"));
    for columns in [40, 80, 160] {
        for (keys, signal) in
            [(&b"q"[..], None), (&b"\x03"[..], None), (&b"jjks\x1b"[..], None), (&b""[..], Some(Signal::SIGTERM))]
        {
            let shown = on_a_terminal(&scratch, columns, keys, signal);
            // Blanks are not sent to a terminal that is blank.
            assert!(columns < 80 || shown.contains("finished") && shown.contains("runs,"), "{shown}");
        }
    }
    assert_eq!(snapshot(&scratch.path("runs")), before, "something was written");
}
