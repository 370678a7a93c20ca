//! Sweeps by several processes, which are killed and interrupted: each task is done once, to the bit.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::Running;
#[cfg(unix)]
use crate::support::Signal;
#[cfg(target_os = "linux")]
use crate::sweep::timeless;
use crate::sweep::{results, table, with_sweep};

const GRID: &str = "epochs = 8\nlearning_rate = [0.001, 0.003, 0.01, 0.03]\nlayers.dropout.rate = [0.1, 0.25, 0.4]";

/// How often a task's run says that its last epoch has ended.
fn ends(sweep: &Path, task: usize, epochs: usize) -> usize {
    let log = fs::read_to_string(sweep.join(format!("tasks/{task}/train.log"))).unwrap();
    log.lines().filter(|line| line.starts_with(&format!("Epoch {epochs}/{epochs}:"))).count()
}

/// Kills what writes the tasks' runs.
#[cfg(target_os = "linux")]
fn kill_tasks(sweep: &Path) {
    use nix::{sys::signal::kill, unistd::Pid};

    for task in fs::read_dir(sweep.join("tasks")).unwrap() {
        let lock = fs::read_to_string(task.unwrap().path().join(".lock")).unwrap_or_default();
        let Some(process) = lock.split_whitespace().nth(1).and_then(|number| number.parse().ok()) else { continue };
        // What a killed one left may name another process by now.
        let words = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        if words.contains(sweep.to_str().unwrap()) {
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_sweep_that_is_killed_ends_with_each_task_done_once() {
    let scratch = with_sweep("", GRID);
    let sweep = scratch.path("s");
    let start = || Running::start(&mut scratch.command("sweep run s --adapter cpu --jobs 2"));
    for (round, ended) in [1, 4, 7].into_iter().enumerate() {
        let mut engine = start();
        let began = Instant::now();
        while results(&sweep) < ended {
            assert!(began.elapsed() < Duration::from_secs(120), "{:?}", engine.ended());
            sleep(Duration::from_millis(5));
        }
        assert_eq!(engine.child().try_wait().unwrap(), None, "killed too late to say anything");
        engine.child().kill().unwrap();
        // The first time its tasks go on by themselves, which the next one has to wait for.
        if round > 0 {
            kill_tasks(&sweep);
        }
    }
    let ended = start().ended().succeeded("the last time");
    assert!(ended.stderr.contains("12/12: task "), "{ended:?}");
    let rows = table(&scratch, "s");
    assert_eq!(rows.len(), 12);
    for (row, task) in rows.iter().zip(1..) {
        assert_eq!((row["status"].as_str(), row["epochs"].as_str()), ("complete", "8"), "{row:?}");
        // Not at all where it was killed between the last epoch's checkpoint and its line.
        assert!(ends(&sweep, task, 8) <= 1, "task {task}");
        assert!(["training_flop", "seconds", "test_accuracy"].iter().all(|name| row[*name].parse::<f64>().is_ok()));
    }
    // As if nothing had happened.
    scratch.succeed("sweep new space.toml --run-dir whole -q");
    scratch.succeed("sweep run whole --adapter cpu --jobs 2 -q");
    assert_eq!(timeless(rows), timeless(table(&scratch, "whole")));
    for task in 1..=12 {
        assert!(scratch.last(&format!("s/tasks/{task}")) == scratch.last(&format!("whole/tasks/{task}")), "{task}");
    }
    let again = scratch.succeed("sweep run s --adapter cpu");
    assert_eq!(again.stderr, "all 12 tasks have ended\n");
}

#[test]
fn two_processes_never_do_the_same_task_at_once() {
    let scratch = with_sweep("", "epochs = 40");
    let start = || Running::start(&mut scratch.command("task s 1 --adapter cpu -q"));
    let mut processes = [start(), start()];
    let began = Instant::now();
    let early = loop {
        if let Some(early) = processes.iter_mut().position(|process| process.child().try_wait().unwrap().is_some()) {
            break early;
        }
        assert!(began.elapsed() < Duration::from_secs(120));
        sleep(Duration::from_millis(1));
    };
    let [one, other] = processes;
    let (refused, done) = if early == 0 { (one, other) } else { (other, one) };
    refused.ended().failed(7, "is writing this run; wait until it ends");
    done.ended().succeeded("the other one");
    let before = scratch.last("s/tasks/1");
    assert_eq!(scratch.succeed("task s 1 --adapter cpu").stderr, "task 1: complete already\n");
    assert!(before == scratch.last("s/tasks/1") && ends(&scratch.path("s"), 1, 40) == 1);
}

/// Two machines with the same sweep: each engine waits for what the other one does.
#[test]
fn two_engines_share_a_sweep() {
    let scratch = with_sweep("", GRID);
    let start = || Running::start(&mut scratch.command("sweep run s --adapter cpu"));
    let engines = [start(), start()];
    let said = engines.map(|engine| engine.ended().succeeded("an engine").stderr);
    assert_eq!(results(&scratch.path("s")), 12);
    for task in 1..=12 {
        assert_eq!(ends(&scratch.path("s"), task, 8), 1, "task {task}: {said:?}");
        let environment = fs::read_to_string(scratch.path(&format!("s/tasks/{task}/environment.json"))).unwrap();
        assert_eq!(environment.matches("gpu-fmnist task ").count(), 1, "{environment}");
    }
    assert!(said.iter().all(|said| said.contains(": complete, ")), "one did all of it: {said:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_task_goes_on_to_the_bit() {
    let scratch = with_sweep("seeds = [3]", "epochs = 60\noptimizer.beta_1 = 0.8\nno_shuffle = true");
    let mut task = Running::start(&mut scratch.command("task s 1 --adapter cpu"));
    while !scratch.path("s/tasks/1/metrics.csv").exists() {
        sleep(Duration::from_millis(5));
    }
    task.send(Signal::SIGTERM);
    let ended = task.ended();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let folder = scratch.path("s").canonicalize().unwrap();
    assert!(ended.stderr.ends_with(&format!("go on with: gpu-fmnist task {} 1\n", folder.display())), "{ended:?}");
    assert_eq!(table(&scratch, "s")[0]["status"], "begun");
    scratch.succeed("task s 1 --adapter cpu -q");
    scratch.train("--epochs 60 --seed 3 --set optimizer.beta_1=0.8 --no-shuffle --run-dir whole -q");
    assert!(scratch.last("s/tasks/1") == scratch.last("whole"));
}

#[cfg(unix)]
#[test]
fn an_engine_that_is_interrupted_lets_its_tasks_save() {
    let scratch = with_sweep("seeds = 2", "epochs = 2000");
    let mut engine = Running::start(&mut scratch.command("sweep run s --adapter cpu --jobs 2"));
    let begun = |task: usize| scratch.path(&format!("s/tasks/{task}/metrics.csv")).exists();
    while !(begun(1) && begun(2)) {
        sleep(Duration::from_millis(5));
    }
    engine.send(Signal::SIGINT);
    let ended = engine.ended();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.stderr.contains("0 of 2 tasks have ended; go on with: gpu-fmnist sweep run "), "{ended:?}");
    for task in [1, 2] {
        let log = fs::read_to_string(scratch.path(&format!("s/tasks/{task}/train.log"))).unwrap();
        assert!(log.lines().last().unwrap().starts_with("saved "), "{log}");
        assert!(!scratch.path(&format!("s/tasks/{task}/.lock")).exists());
    }
}
