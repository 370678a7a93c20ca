//! Runs that are ended at random moments, while they save, too: each time they go on, and end as if nothing had happened.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::support::Signal;
use crate::support::{Ended, Running, Scratch, names};

/// With all that a checkpoint has to keep: dropout, a warm-up, both callbacks.
const RUN: &str = "train --model tiny.toml --batch-size 8 --epochs 12 --warm-up-epochs 2 --early-stopping --patience 12 \
    --restore-best-weights --reduce-lr-on-plateau --plateau-patience 1 --plateau-min-delta 0.2 --plateau-min-lr 0.0005";
/// Saves after every submission.
const SAVING: &str = "--checkpoint-minutes 0";
const MOMENTS: usize = 20;

fn on_the_cpu_path(scratch: &Scratch, arguments: &str) -> Command {
    scratch.command(&format!("{arguments} {SAVING} --adapter cpu"))
}

fn on_an_adapter(scratch: &Scratch, arguments: &str) -> Command {
    scratch.on_the_tests_driver(&format!("{arguments} {SAVING} --adapter 0"))
}

/// A way to end a process, and whether an exit code is one of those that it leaves with.
type End = (fn(&mut Running), fn(&Ended) -> bool);

const KILL: End = (|run| run.child().kill().unwrap(), |ended| ended.code.is_none());

#[cfg(unix)]
const TERMINATE: End = (
    |run| run.send(Signal::SIGTERM),
    // Before it listens to signals, it ends as any process does.
    |ended| ended.code.is_none() || ended.code == Some(130) && ended.stderr.contains("go on with: gpu-fmnist train"),
);

/// The metrics but the seconds, and the names of the checkpoints.
fn files(scratch: &Scratch, run: &str) -> (Vec<String>, Vec<String>) {
    let metrics = fs::read_to_string(scratch.path(run).join("metrics.csv")).unwrap();
    let metrics = metrics.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect();
    (metrics, names(&scratch.path(run).join("checkpoints")))
}

/// Ends processes of runs at random moments, as many as there are to be, and compares each run with one that was let be.
fn goes_on_as_if_nothing_had_happened(program: fn(&Scratch, &str) -> Command, (end, expected): End) {
    let scratch = Scratch::new();
    let start = |arguments: &str| Running::start(&mut program(&scratch, arguments));
    let began = Instant::now();
    start(&format!("{RUN} --run-dir whole")).ended().succeeded("whole");
    let mut longest = began.elapsed();
    let mut moments = 0;
    let mut run = String::new();
    while moments < MOMENTS {
        run.push('r');
        loop {
            let begun = scratch.path(&run).join("checkpoints/last.safetensors").exists();
            if !begun {
                drop(fs::remove_dir_all(scratch.path(&run)));
            }
            let arguments = if begun { format!("train --resume {run}") } else { format!("{RUN} --run-dir {run}") };
            let began = Instant::now();
            let mut process = start(&arguments);
            let part = RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64;
            let moment = longest.mul_f64(part);
            while moments < MOMENTS && process.child().try_wait().unwrap().is_none() {
                if began.elapsed() >= moment {
                    end(&mut process);
                    break;
                }
                sleep(Duration::from_millis(1));
            }
            let ended = process.ended();
            if ended.code == Some(0) {
                // The first one may have been slower than those that follow it, other tests beside it.
                longest = if begun { longest } else { longest.min(began.elapsed()) };
                break;
            }
            assert!(moments < MOMENTS && expected(&ended), "{arguments}, after {moment:?}: {ended:?}");
            moments += 1;
        }
        assert_eq!(files(&scratch, &run), files(&scratch, "whole"), "{run}");
        assert!(scratch.last(&run) == scratch.last("whole"), "{run} has another checkpoint in the end");
    }
}

#[test]
fn a_killed_run_goes_on_to_the_bit_on_the_cpu_path() {
    goes_on_as_if_nothing_had_happened(on_the_cpu_path, KILL);
}

#[test]
fn a_killed_run_goes_on_to_the_bit_on_an_adapter() {
    goes_on_as_if_nothing_had_happened(on_an_adapter, KILL);
}

#[cfg(unix)]
#[test]
fn a_terminated_run_goes_on_to_the_bit() {
    goes_on_as_if_nothing_had_happened(on_the_cpu_path, TERMINATE);
}

/// What a process that is killed while it writes leaves behind.
#[test]
fn half_a_checkpoint_is_cleared_away() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    for name in ["checkpoints/.5yQx0a.part", ".m2Lp9z.part"] {
        fs::write(scratch.path("run").join(name), "half").unwrap();
    }
    scratch.succeed("train --resume run --epochs 2 --adapter cpu --no-report");
    let run = scratch.path("run");
    assert_eq!(
        names(&run),
        ["checkpoints", "config.toml", "environment.json", "metrics.csv", "steps.csv", "train.log"]
    );
    assert_eq!(names(&run.join("checkpoints")), ["best.safetensors", "last.safetensors"]);
}
