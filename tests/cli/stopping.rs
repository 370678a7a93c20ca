//! Early stopping, the plateau's control of the learning rate, and its schedules, from the command line.

use std::f64::consts::PI;
use std::fs;

use crate::support::{Ended, Scratch};

/// A column of the run's metrics.
fn column(scratch: &Scratch, run: &str, name: &str) -> Vec<f64> {
    let metrics = fs::read_to_string(scratch.path(run).join("metrics.csv")).unwrap();
    let rows: Vec<Vec<&str>> = metrics.lines().map(|line| line.split(',').collect()).collect();
    let column = rows[0].iter().position(|heading| *heading == name).unwrap();
    rows[1..].iter().map(|row| row[column].parse().unwrap()).collect()
}

/// The epoch after which training ends, and the best one, counted from 1: the definition, for a loss.
fn stops(losses: &[f64], min_delta: f64, patience: usize) -> Option<(usize, usize)> {
    let mut best = 0;
    for (epoch, loss) in losses.iter().enumerate().skip(1) {
        if *loss < losses[best] - min_delta {
            best = epoch;
        } else if epoch - best >= patience {
            return Some((epoch + 1, best + 1));
        }
    }
    None
}

fn lines<'a>(ended: &'a Ended, part: &str) -> Vec<&'a str> {
    ended.stderr.lines().filter(|line| line.contains(part)).collect()
}

#[test]
fn early_stopping_ends_with_the_best_weights() {
    let scratch = Scratch::new();
    let options = "--epochs 60 --learning-rate 0.02 --early-stopping --min-delta 0.02 --restore-best-weights --json";
    let trained = scratch.train(&format!("{options} --patience 3 --run-dir run"));
    let losses = column(&scratch, "run", "val_loss");
    let (end, best) = stops(&losses, 0.02, 3).expect("no end");
    assert_eq!(losses.len(), end);
    assert!(best + 3 <= end && end < 60, "best {best}, end {end}");
    assert_eq!(lines(&trained, "early stopping"), [format!("Epoch {end}: early stopping")]);
    let restoring = format!("Restoring model weights from the end of the best epoch: {best}.");
    assert_eq!(lines(&trained, "Restoring"), [restoring.as_str()]);
    assert!(trained.json().last().unwrap()["epochs"] == end, "{trained:?}");

    // What is evaluated, exported and tested is the best epoch's.
    let measure = |split: &str| {
        scratch.succeed(&format!("evaluate --run run --adapter cpu --json --split {split}")).json()[0]["loss"].clone()
    };
    assert_eq!(measure("validation"), losses[best - 1]);
    assert_eq!(measure("test"), trained.json().last().unwrap()["test_loss"]);

    // Without restoring it is the last one's.
    scratch.train(&format!("{} --patience 3 --run-dir latest", options.replace("--restore-best-weights ", "")));
    assert_eq!(column(&scratch, "latest", "val_loss"), losses);
    let latest = scratch.succeed("evaluate --run latest --adapter cpu --json --split validation").json();
    assert_eq!(latest[0]["loss"], losses[end - 1]);
}

#[test]
fn a_stopped_run_goes_on_with_more_patience_as_if_from_the_start() {
    let scratch = Scratch::new();
    let options = "--learning-rate 0.02 --early-stopping --min-delta 0.02 --restore-best-weights";
    scratch.train(&format!("--epochs 60 --patience 3 {options} --run-dir run"));
    let (stopped, epochs) = (scratch.last("run"), column(&scratch, "run", "loss").len());
    let again = scratch.succeed("train --resume run --adapter cpu");
    assert_eq!(lines(&again, "early stopping"), [format!("Epoch {epochs}: early stopping")]);
    assert!(scratch.last("run") == stopped, "a run that is complete is another");

    // More epochs are not trained: a run with as many from the start would have ended there, too.
    scratch.succeed("train --resume run --epochs 70 --adapter cpu");
    scratch.train(&format!("--epochs 70 --patience 3 {options} --run-dir longer"));
    assert!(scratch.last("run") == scratch.last("longer"), "more epochs: the runs differ");

    scratch.succeed(&format!("train --resume run --patience 5 --epochs {} --adapter cpu", epochs + 2));
    scratch.train(&format!("--epochs {} --patience 5 {options} --run-dir patient", epochs + 2));
    assert!(column(&scratch, "run", "loss").len() > epochs, "no epoch more");
    assert!(scratch.last("run") == scratch.last("patient"), "more patience: the runs differ");

    scratch.run("train --resume run --patience 4 --adapter cpu").failed(2, "--patience 4: the run has 5 already; give");
    scratch.train("--epochs 1 --run-dir plain");
    scratch.run("train --resume plain --patience 4 --adapter cpu").failed(2, "--patience 4: the run has no early");
}

#[test]
fn a_plateau_makes_the_learning_rate_smaller() {
    let scratch = Scratch::new();
    let plateau = "--reduce-lr-on-plateau --plateau-patience 2 --plateau-min-delta 0.3 --plateau-factor 0.5";
    let trained = scratch.train(&format!("--epochs 9 {plateau} --plateau-min-lr 0.0004 --run-dir run"));
    let said: Vec<(usize, f64)> = lines(&trained, "ReduceLROnPlateau")
        .into_iter()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[2..7].join(" "), "ReduceLROnPlateau reducing learning rate to", "{line}");
            (words[1].trim_end_matches(':').parse().unwrap(), words[7].trim_end_matches('.').parse().unwrap())
        })
        .collect();
    assert_eq!(said.iter().map(|(_, rate)| *rate).collect::<Vec<_>>(), [0.0005, 0.0004]);
    let rates = column(&scratch, "run", "learning_rate");
    for (epoch, rate) in (1..).zip(&rates) {
        let expected = said.iter().rev().find(|(reduced, _)| *reduced < epoch).map_or(0.001, |(_, rate)| *rate);
        assert_eq!(*rate, expected, "epoch {epoch}: {rates:?}");
    }
    // Another rate is another network.
    scratch.train("--epochs 9 --run-dir constant");
    let losses = |run: &str| column(&scratch, run, "loss");
    let reduced = said[0].0;
    assert_eq!(losses("run")[..reduced], losses("constant")[..reduced]);
    assert_ne!(losses("run")[reduced], losses("constant")[reduced]);
}

#[test]
fn the_learning_rate_follows_its_schedule_step_by_step() {
    let scratch = Scratch::new();
    // 240 samples are 8 steps of 32.
    scratch.train("--epochs 5 --schedule cosine --warm-up-epochs 2 --learning-rate 0.01 --run-dir cosine");
    scratch.train("--epochs 5 --warm-up-epochs 2 --learning-rate 0.01 --run-dir constant");
    let last_step = |epoch: usize| 8.0 * epoch as f64 - 1.0;
    let cosine = |epoch: usize| 0.01 * (1.0 + (PI * (last_step(epoch) - 16.0) / 24.0).cos()) / 2.0;
    for (run, expected) in [
        ("cosine", [0.01 * 7.0 / 16.0, 0.01 * 15.0 / 16.0, cosine(3), cosine(4), cosine(5)]),
        ("constant", [0.01 * 7.0 / 16.0, 0.01 * 15.0 / 16.0, 0.01, 0.01, 0.01]),
    ] {
        for (rate, expected) in column(&scratch, run, "learning_rate").into_iter().zip(expected) {
            assert!((rate - expected).abs() < 1e-15, "{run}: {rate}, not {expected}");
        }
    }
}

#[test]
fn parts_of_a_run_equal_the_whole() {
    let scratch = Scratch::new();
    // Dropout is in the model. The plateau acts in the third epoch or so, early stopping after the seventh.
    let options = "--learning-rate 0.02 --warm-up-epochs 1 --early-stopping --min-delta 0.05 --patience 4 \
        --restore-best-weights --reduce-lr-on-plateau --plateau-patience 1 --plateau-min-delta 0.1 --plateau-cooldown 1";
    scratch.train(&format!("--epochs 30 {options} --run-dir whole"));
    let rates = column(&scratch, "whole", "learning_rate");
    let reduced = rates.windows(2).position(|pair| pair[1] < pair[0]).expect("no plateau") + 1;
    let end = rates.len();
    assert!(reduced + 1 < end && end < 30, "reduced after {reduced}, ended after {end}");
    for first in [2, reduced, reduced + 1, end - 1, end, end + 1] {
        let run = format!("parts-{first}");
        scratch.train(&format!("--epochs {first} {options} --run-dir {run}"));
        scratch.succeed(&format!("train --resume {run} --epochs 30 --adapter cpu"));
        for column_name in ["loss", "val_accuracy", "learning_rate"] {
            assert_eq!(column(&scratch, &run, column_name), column(&scratch, "whole", column_name), "{run}");
        }
        assert!(scratch.last(&run) == scratch.last("whole"), "{run} is another run");
    }
}

#[test]
fn saving_within_an_epoch_changes_nothing() {
    let scratch = Scratch::new();
    let saving = scratch.train("--epochs 3 --run-dir saving --checkpoint-minutes 0.000001 --json").json();
    let plain = scratch.train("--epochs 3 --run-dir plain --json").json();
    assert!(scratch.last("saving") == scratch.last("plain"), "the runs differ");
    for (saving, plain) in saving.iter().zip(&plain).take(3) {
        assert_eq!(saving["loss"], plain["loss"]);
        assert!(saving["images_per_second"].as_f64().is_some_and(|speed| speed > 0.0), "{saving}");
    }
}

#[test]
fn impossible_callbacks_are_refused() {
    let scratch = Scratch::new();
    for (options, part) in [
        ("--epochs 3 --warm-up-epochs 3", "--warm-up-epochs 3: leaves none of 3 epochs; give fewer"),
        ("--early-stopping --min-delta -1", "--min-delta -1: not a number from 0 on; give"),
        ("--early-stopping --baseline inf", "--baseline inf: not a number; give"),
        ("--reduce-lr-on-plateau --plateau-factor 1", "--plateau-factor 1: not between 0 and 1; give"),
        ("--reduce-lr-on-plateau --plateau-factor nan", "--plateau-factor NaN: not between 0 and 1; give"),
        ("--reduce-lr-on-plateau --plateau-min-delta nan", "--plateau-min-delta NaN: not a number from 0 on; give"),
        ("--reduce-lr-on-plateau --plateau-min-lr -1e-3", "--plateau-min-lr -0.001: not a number from 0 on; give"),
        ("--reduce-lr-on-plateau --schedule cosine", "--schedule cosine sets the learning rate already; give one"),
        ("--checkpoint-minutes -1", "--checkpoint-minutes -1: "),
        ("--checkpoint-minutes nan", "--checkpoint-minutes NaN: "),
        ("--checkpoint-minutes inf", "--checkpoint-minutes inf: "),
    ] {
        scratch.run(&format!("train --model tiny.toml --adapter cpu {options}")).failed(2, part);
    }
    // What would have no effect is a mistake.
    for options in ["--patience 3", "--min-delta 1", "--monitor loss", "--plateau-factor 0.5", "--monitor f1"] {
        let ended = scratch.run(&format!("train --model tiny.toml --adapter cpu {options}"));
        assert_eq!(ended.code, Some(2), "{options}: {ended:?}");
    }
    for options in ["--early-stopping", "--monitor loss", "--reduce-lr-on-plateau", "--schedule cosine"] {
        assert_eq!(scratch.run(&format!("train --resume run {options}")).code, Some(2), "{options}");
    }
    assert!(!scratch.path("runs").exists());
}
