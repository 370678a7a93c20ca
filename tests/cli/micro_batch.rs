//! `--micro-batch`: what it cuts, and that a run keeps to it.

use std::fs;

use gpu_fmnist::formats::Checkpoint;
use serde_json::Value;

use crate::support::Scratch;

/// The values of all tensors of a run's last checkpoint, and its configuration.
fn last(scratch: &Scratch, run: &str) -> (Vec<Vec<f32>>, Value) {
    let checkpoint = Checkpoint::read(&scratch.path(run).join("checkpoints/last.safetensors")).unwrap();
    let about: Value = serde_json::from_str(&checkpoint.about).unwrap();
    (checkpoint.tensors.into_iter().map(|tensor| tensor.values).collect(), about["config"].clone())
}

#[test]
fn a_step_is_cut_into_the_fewest_equal_parts_and_a_run_keeps_to_them() {
    let scratch = Scratch::new();
    scratch.train("--epochs 2 --run-dir default");
    scratch.train("--epochs 2 --run-dir ten --micro-batch 10");
    scratch.train("--epochs 2 --run-dir eight --micro-batch 8");
    scratch.train("--epochs 2 --run-dir large --micro-batch 4000000000");
    let [default, ten, eight, large] = ["default", "ten", "eight", "large"].map(|run| last(&scratch, run));
    // Of 32 rows, four times 8; gradients are then added in another order.
    assert_eq!(ten.0, eight.0);
    assert_ne!(ten.0, default.0);
    assert_eq!(default.0, large.0);
    let recorded = |(_, config): &(_, Value)| (config["micro_batch"].clone(), config["gradient_order"].clone());
    assert_eq!(recorded(&default), (512.into(), "tree".into()));
    assert_eq!(recorded(&ten), (10.into(), "tree".into()));
    let config = fs::read_to_string(scratch.path("ten/config.toml")).unwrap();
    assert!(config.contains("micro_batch = 10\ngradient_order = \"tree\"\n"), "{config}");

    scratch.train("--epochs 1 --run-dir parts --micro-batch 10");
    scratch.succeed("train --resume parts --epochs 2 --adapter cpu");
    assert_eq!(scratch.last("parts"), scratch.last("ten"));
    scratch.succeed("evaluate --run parts --adapter cpu");
}

#[test]
fn what_cannot_be_cut_and_another_cut_of_a_run_are_refused() {
    let scratch = Scratch::new();
    scratch.run("train --model tiny.toml --adapter cpu --micro-batch 0").failed(2, "--micro-batch 0: ");
    scratch.run("kfold --model tiny.toml --adapter cpu --micro-batch 0").failed(2, "--micro-batch 0: ");
    scratch.train("--epochs 1 --run-dir run");
    assert_eq!(scratch.run("train --resume run --epochs 2 --adapter cpu --micro-batch 8").code, Some(2));
    assert_eq!(scratch.run("kfold --resume run --adapter cpu --micro-batch 8").code, Some(2));
}

#[test]
fn every_fold_is_cut_as_asked() {
    let scratch = Scratch::new();
    scratch.succeed(
        "kfold --model tiny.toml --adapter cpu --batch-size 32 --micro-batch 10 --folds 2 --epochs 1 --run-dir folds",
    );
    assert_eq!(last(&scratch, "folds/fold-2").1["micro_batch"], 10);
}
