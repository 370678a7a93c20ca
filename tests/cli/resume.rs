//! Stopping and going on: to the bit as if nothing had happened.

use std::fs;

use crate::support::Scratch;
#[cfg(unix)]
use crate::support::{Ended, ended};

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

/// Interrupts a run after its first epoch's line; more than enough are left for the signal to arrive.
#[cfg(unix)]
fn interrupted(scratch: &Scratch, signal: &str) -> Ended {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let arguments = "train --model tiny.toml --adapter cpu --batch-size 4 --epochs 60 --json --run-dir run";
    let mut child = scratch.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    stdout.read_to_string(&mut String::new()).unwrap();
    ended(child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_bit() {
    for signal in ["-INT", "-TERM"] {
        let scratch = Scratch::with_images(4000);
        let stopped = interrupted(&scratch, signal);
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
