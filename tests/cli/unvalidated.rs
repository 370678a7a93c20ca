//! Runs that validate nothing: all samples train, and no number, checkpoint or curve of a validation is anywhere.

use std::fs;

use crate::support::{Scratch, names};

const TRAIN: &str = "train --model tiny.toml --adapter cpu --batch-size 32";

fn text(scratch: &Scratch, name: &str) -> String {
    fs::read_to_string(scratch.path(name)).unwrap()
}

#[test]
fn a_run_without_validation_says_nothing_of_one() {
    let scratch = Scratch::new();
    let ended = scratch.succeed(&format!("{TRAIN} --epochs 3 --validation-fraction 0 --run-dir run"));
    assert!(
        ended
            .stderr
            .contains("tiny on the CPU path: 300 samples to train, none to validate, 100 to test; writing run\n"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("Epoch 3/3: 10/10 ") && !ended.stderr.contains("val_"), "{ended:?}");
    assert_eq!(names(&scratch.path("run/checkpoints")), ["last.safetensors"]);
    let metrics = text(&scratch, "run/metrics.csv");
    let rows: Vec<&str> = metrics.lines().collect();
    assert_eq!((rows.len(), rows[0]), (4, "epoch,loss,accuracy,learning_rate,training_flop,seconds"));
    assert!(rows[3].split(',').all(|cell| cell.parse::<f64>().is_ok()), "{metrics}");

    let report = text(&scratch, "run/report.html");
    assert!(report.contains("Trained for 3 of 3 epochs on the CPU path, with 300 images.</p>"), "{report:.2000}");
    for word in ["val. loss", "val_loss", "validated", "Validation", "validation included", "best epoch", "NaN"] {
        assert!(!report.contains(word), "{word}");
    }
    assert!(report.contains("validation_fraction</th><td class=\"left\">0.0</td>"));
    let curves = text(&scratch, "run/learning_curves.svg");
    assert!(
        curves.contains("training") && !curves.contains("validation") && !curves.contains("best epoch"),
        "{curves}"
    );

    // What is done with the run afterwards.
    for arguments in
        ["evaluate --run run", "evaluate --run run --split train", "report run", "predict --run run --split test"]
    {
        let ended = scratch.succeed(&format!("{arguments} --adapter cpu"));
        assert!(!ended.stdout.contains("NaN") && !ended.stdout.contains("val_"), "{arguments}: {ended:?}");
    }
    scratch.succeed("plot run");
    scratch.succeed("export run -o net.onnx");
    scratch.succeed("train --resume run --epochs 4 --adapter cpu");
    assert_eq!(text(&scratch, "run/metrics.csv").lines().count(), 5);
    let row = scratch.succeed("baseline --learners centroid --run run --adapter cpu --json").json().remove(0);
    assert!(row["val_accuracy"].is_null() && row["test_accuracy"].is_f64() && row["error"].is_null(), "{row}");
    for (arguments, part) in [
        (
            "evaluate --run run --split validation",
            "--split validation: run/checkpoints/last.safetensors was trained without",
        ),
        (
            "evaluate --run run --checkpoint best",
            "--checkpoint best: run was trained without validation, so that no epoch",
        ),
        ("predict --run run --split validation", "was trained without validation; take test or train"),
        ("report run --checkpoint best", "so that no epoch is the best; take last"),
    ] {
        scratch.run(&format!("{arguments} --adapter cpu")).failed(2, part);
    }
}

#[test]
fn json_of_a_run_without_validation_has_none() {
    let scratch = Scratch::new();
    let lines = scratch.train("--epochs 2 --validation-fraction 0 --json").json();
    assert_eq!(lines.len(), 3);
    for line in &lines[..2] {
        let keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(keys.contains(&"loss") && !keys.iter().any(|key| key.starts_with("val_")), "{keys:?}");
    }
}

#[test]
fn callbacks_watch_what_there_is() {
    let scratch = Scratch::new();
    let options = "--validation-fraction 0 --early-stopping --patience 2 --restore-best-weights --epochs 60";
    for monitor in ["", "--monitor val_loss", "--monitor val_accuracy"] {
        let name = monitor.split(' ').nth(1).unwrap_or("val_loss");
        let part = format!(
            "--monitor {name}: nothing is validated; give loss or accuracy, or a --validation-fraction above 0"
        );
        scratch.run(&format!("{TRAIN} {options} {monitor}")).failed(2, &part);
    }
    let plateau = "--validation-fraction 0 --reduce-lr-on-plateau";
    scratch.run(&format!("{TRAIN} {plateau}")).failed(2, "--monitor val_loss: nothing is validated; give");
    assert!(!scratch.path("runs").exists());
    let stopping = format!("{options} --monitor accuracy --min-delta 0.01 --learning-rate 0.02");
    let ended = scratch.train(&format!("{stopping} --run-dir run"));
    assert!(ended.stderr.contains("early stopping") && ended.stderr.contains("Restoring model weights"), "{ended:?}");
}

/// Curves of runs that validate and of one that does not.
#[test]
fn runs_with_and_without_validation_are_compared() {
    let scratch = Scratch::new();
    scratch.train("--epochs 2 --run-dir one");
    scratch.train("--epochs 3 --validation-fraction 0 --run-dir all");
    scratch.succeed("plot one all -o curves.svg");
    let svg = text(&scratch, "curves.svg");
    assert!(svg.contains("\none (best epoch: ") && svg.contains("\nall\n") && svg.contains("validation"), "{svg}");
}

/// Every sample counts: 300 of them, in each epoch.
#[test]
fn all_samples_train() {
    let scratch = Scratch::new();
    let file = format!("{}\n[training]\nvalidation_fraction = 0\nepochs = 2\n", crate::support::MODEL);
    fs::write(scratch.path("all.toml"), file).unwrap();
    scratch.succeed("train --model all.toml --adapter cpu --batch-size 100 --no-report --run-dir run");
    assert_eq!(scratch.succeed("evaluate --run run --split train --adapter cpu --json").json()[0]["samples"], 300);
    // A flag holds some out again.
    let held_out = "train --model all.toml --adapter cpu --validation-fraction 0.5 --no-report --run-dir half";
    assert!(scratch.succeed(held_out).stderr.contains("150 samples to train, 150 to validate"));
    // Small data, too.
    let one = Scratch::with_images(1);
    let ended = one.succeed("train --model tiny.toml --adapter cpu --validation-fraction 0 --epochs 1 --no-report");
    assert!(ended.stderr.contains("1 samples to train, none to validate, 100 to test"), "{ended:?}");
}
