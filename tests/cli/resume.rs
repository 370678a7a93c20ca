//! Stopping and going on: to the bit as if nothing had happened.

use std::fs;

#[cfg(unix)]
use crate::support::{Ended, MODEL, Signal};
use crate::support::{Running, Scratch};

#[test]
fn a_run_can_be_extended() {
    let scratch = Scratch::new();
    scratch.train("--epochs 5 --run-dir whole");
    scratch.train("--epochs 2 --run-dir parts");
    let resumed = scratch.succeed("train --resume parts --epochs 5 --adapter cpu --json").json();
    assert_eq!(resumed.iter().map(|line| line["epoch"].clone()).take(3).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(scratch.last("whole"), scratch.last("parts"));
    let columns = |run: &str| {
        let metrics = fs::read_to_string(scratch.path(run).join("metrics.csv")).unwrap();
        metrics.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(columns("whole"), columns("parts"));
    let log = fs::read_to_string(scratch.path("parts/train.log")).unwrap();
    assert!(log.contains("Epoch 1/2: ") && log.contains("Epoch 5/5: "), "{log}");
    // Complete: nothing is left but the test, and the metrics of an epoch after which the process ended early.
    fs::remove_file(scratch.path("parts/metrics.csv")).unwrap();
    let again = scratch.succeed("train --resume parts --adapter cpu --json").json();
    assert_eq!((again.len(), &again[0]["test_loss"]), (1, &resumed[3]["test_loss"]));
    assert_eq!(columns("whole"), columns("parts"));
    scratch.run("train --resume parts --epochs 4 --adapter cpu").failed(2, "5 already");
}

#[test]
fn only_the_same_run_can_be_gone_on_with() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    scratch.run("train --resume nowhere --adapter cpu").failed(3, "nowhere: there is no such file or folder; check");
    assert_eq!(scratch.run("train --resume run --batch-size 8").code, Some(2));
    let other = Scratch::with_images(301);
    let arguments = format!("train --resume run --epochs 2 --adapter cpu --data-dir {}", other.path("data").display());
    scratch.run(&arguments).failed(3, "not the data set that the run began with");
}

/// Starts the program and waits until what it does has come so far.
fn started(scratch: &Scratch, arguments: &str, so_far: impl Fn() -> bool) -> Running {
    let mut running = Running::start(&mut scratch.command(arguments));
    while !so_far() {
        assert!(running.child().try_wait().unwrap().is_none(), "{arguments}: {:?}", running.ended());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    running
}

#[test]
fn one_process_at_a_time_goes_on_with_a_run() {
    let scratch = Scratch::with_images(4000);
    let options = "--model tiny.toml --adapter cpu --batch-size 4 --epochs 1000";
    for (command, file) in [("train", "checkpoints/last.safetensors"), ("kfold", "kfold.toml")] {
        let run = scratch.path(command);
        let resume = format!("{command} --resume {command} --adapter cpu");
        let refused = |running: &mut Running| {
            let holder = format!("{command}: process {} (", running.child().id());
            scratch.run(&resume).failed(1, if cfg!(windows) { "another process" } else { &holder });
        };
        let begin = format!("{command} {options} --run-dir {command}");
        let mut first = started(&scratch, &begin, || run.join(file).exists());
        refused(&mut first);
        // The lock goes with its process, however that ends; its file may stay.
        first.child().kill().unwrap();
        first.ended();
        let before = fs::read(run.join(".lock")).unwrap();
        let mut second = started(&scratch, &resume, || fs::read(run.join(".lock")).unwrap() != before);
        std::thread::sleep(std::time::Duration::from_millis(50));
        refused(&mut second);
    }
}

#[test]
fn a_run_that_is_going_on_can_be_looked_at() {
    let scratch = Scratch::with_images(4000);
    let arguments = "train --model tiny.toml --adapter cpu --batch-size 4 --epochs 1000 --run-dir run";
    let _running = started(&scratch, arguments, || scratch.path("run/metrics.csv").exists());
    scratch.succeed("evaluate --run run --adapter cpu");
    scratch.succeed("plot run");
    scratch.succeed("report run --adapter cpu");
}

/// Interrupts a run of 60 epochs after its first epoch's line; more than enough are left for the signal to arrive.
#[cfg(unix)]
fn interrupted(scratch: &Scratch, model: &str, signal: Signal) -> Ended {
    use std::io::{BufRead, BufReader, Read};

    let arguments = format!("train --model {model} --adapter cpu --batch-size 4 --epochs 60 --json --run-dir run");
    let mut run = Running::start(&mut scratch.command(&arguments));
    let mut stdout = BufReader::new(run.child().stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    run.send(signal);
    stdout.read_to_string(&mut String::new()).unwrap();
    run.ended()
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_bit() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let scratch = Scratch::with_images(4000);
        let stopped = interrupted(&scratch, "tiny.toml", signal);
        assert_eq!(stopped.code, Some(130), "{stopped:?}");
        let message = "saved run/checkpoints/last.safetensors; go on with: gpu-fmnist train --resume run\n";
        assert!(stopped.stderr.ends_with(message), "{stopped:?}");
        let done = fs::read_to_string(scratch.path("run/metrics.csv")).unwrap().lines().count() - 1;
        assert!((1..60).contains(&done), "{done} epochs");

        // A few epochs more are enough to compare.
        let epochs = done + 2;
        scratch.succeed(&format!("train --resume run --epochs {epochs} --adapter cpu"));
        scratch.succeed(&format!(
            "train --model tiny.toml --adapter cpu --batch-size 4 --epochs {epochs} --run-dir whole"
        ));
        assert!(scratch.last("run") == scratch.last("whole"), "{signal}: the runs differ");
    }
}

/// A schedule is of all steps: a run that goes on to as many epochs as it began with is at the same place of it.
#[cfg(unix)]
#[test]
fn an_interrupted_run_with_a_recipe_goes_on_to_the_bit() {
    let scratch = Scratch::with_images(1001);
    let training = "drop_remainder = true\nvalidation_fraction = 0";
    for schedule in [
        "type = \"triangular\"\nwarm_up = 0.3",
        "type = \"cosine\"\nfinal = 0.1",
        "type = \"steps\"\nboundaries = [0.1, 0.5]\nfactors = [0.5, 0.1]",
    ] {
        let recipe = format!("{MODEL}\n[training]\n{training}\n[schedule]\nlearning_rate = 2e-3\n{schedule}");
        fs::write(scratch.path("recipe.toml"), recipe).unwrap();
        let stopped = interrupted(&scratch, "recipe.toml", Signal::SIGINT);
        assert_eq!(stopped.code, Some(130), "{schedule}: {stopped:?}");
        scratch.succeed("train --resume run --adapter cpu --no-report");
        let whole = "train --model recipe.toml --adapter cpu --batch-size 4 --epochs 60 --no-report --run-dir whole";
        scratch.succeed(whole);
        assert!(scratch.last("run") == scratch.last("whole"), "{schedule}: the runs differ");
        ["run", "whole"].iter().for_each(|run| fs::remove_dir_all(scratch.path(run)).unwrap());
    }
}
