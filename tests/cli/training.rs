//! `train` and `evaluate`: what they write and say.

use std::fs;

use serde_json::Value;

use crate::support::{COUNT, Scratch, ended, names};

/// Six for each multiply-accumulate of an epoch's 240 samples: 9 taps at 6 x 6 places of 4 filters; 36 * 16; 16 * 4.
const EPOCH_FLOP: u64 = 6 * 240 * (9 * 36 * 4 + 36 * 16 + 16 * 4);

#[test]
fn a_run_leaves_its_folder() {
    let scratch = Scratch::new();
    scratch.train("--epochs 2");
    let ended = scratch.train("--epochs 2");
    assert!(ended.stdout.starts_with("test loss: "), "{ended:?}");
    assert_eq!(names(&scratch.path("runs")), ["tiny-1", "tiny-2"]);
    let run = scratch.path("runs/tiny-2");
    assert_eq!(
        names(&run),
        ["checkpoints", "config.toml", "environment.json", "metrics.csv", "steps.csv", "train.log"]
    );
    assert_eq!(names(&run.join("checkpoints")), ["best.safetensors", "last.safetensors"]);

    let config: toml::Table = fs::read_to_string(run.join("config.toml")).unwrap().parse().unwrap();
    assert_eq!(config["batch_size"].as_integer(), Some(32));
    assert_eq!(config["split_seed"].as_integer(), Some(2020));
    assert_eq!(config["model"]["layers"].as_array().unwrap().len(), 6);
    let environment: Value = serde_json::from_slice(&fs::read(run.join("environment.json")).unwrap()).unwrap();
    assert_eq!(environment["backend"], "cpu");
    assert_eq!(environment["data_sha256"].as_object().unwrap().len(), 4);

    let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap();
    let rows: Vec<&str> = metrics.lines().collect();
    assert_eq!(
        (rows.len(), rows[0]),
        (3, "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,training_flop,seconds")
    );
    assert_eq!(rows[2].split(',').nth(6), Some((2 * EPOCH_FLOP).to_string().as_str()));
    assert!(rows[2].starts_with("2,") && rows[2].split(',').all(|cell| cell.parse::<f64>().is_ok()), "{metrics}");

    // What the user saw, and its last line, which went to stdout.
    let log = fs::read_to_string(run.join("train.log")).unwrap();
    assert_eq!(log, format!("{}{}", ended.stderr, ended.stdout));
    assert!(log.contains("Epoch 2/2: 8/8 ") && log.contains("taken as another data set"), "{log}");
}

#[test]
fn json_is_an_object_an_epoch_and_a_last_one() {
    let scratch = Scratch::new();
    let lines = scratch.train("--epochs 3 --json --seed 5 --run-dir out/run").json();
    assert_eq!(lines.len(), 4);
    for (line, epoch) in lines.iter().zip(1..=3) {
        assert_eq!(line["epoch"], epoch);
        assert_eq!(line["training_flop"], epoch * EPOCH_FLOP);
        for key in ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds", "images_per_second"] {
            assert!(line[key].as_f64().is_some_and(|value| value >= 0.0), "{key}: {line}");
        }
    }
    let last = &lines[3];
    assert_eq!(last["training_flop"], 3 * EPOCH_FLOP);
    for (key, value) in [("model", "tiny"), ("adapter", "cpu"), ("backend", "cpu"), ("device_type", "cpu")] {
        assert_eq!(last[key], value);
    }
    assert_eq!((&last["seed"], &last["epochs"], &last["run_dir"]), (&5.into(), &3.into(), &"out/run".into()));
    assert!(last["test_loss"].is_f64() && last["test_accuracy"].is_f64(), "{last}");
}

#[test]
fn the_network_learns_and_evaluate_agrees() {
    let scratch = Scratch::new();
    let trained = scratch.train("--epochs 15 --learning-rate 0.01 --json --run-dir run").json();
    let last = trained.last().unwrap();
    assert!(last["test_accuracy"].as_f64().unwrap() > 0.9, "{last}");
    let measure =
        |arguments: &str| scratch.succeed(&format!("evaluate --run run --adapter cpu --json {arguments}")).json();
    let test = measure("");
    assert_eq!((&test[0]["loss"], &test[0]["accuracy"]), (&last["test_loss"], &last["test_accuracy"]));
    let validation = measure("--split validation");
    assert_eq!(validation[0]["loss"], trained[14]["val_loss"]);
    let most = trained[..15].iter().map(|line| line["val_accuracy"].as_f64().unwrap()).fold(0.0, f64::max);
    assert_eq!(measure("--split validation --checkpoint best")[0]["accuracy"].as_f64().unwrap(), most);
    assert_eq!(measure("--split train")[0]["samples"], COUNT * 4 / 5);
}

#[test]
fn another_data_set_is_measured_only_where_it_is_asked_for() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    // Fewer training samples than a batch, which testing has no need of.
    let other = Scratch::with_images(20);
    let elsewhere = format!("--data-dir {}", other.path("data").display());
    let evaluate = |arguments: &str| scratch.run(&format!("evaluate --run run --adapter cpu {arguments}"));
    let measured = evaluate(&elsewhere).succeeded(&elsewhere);
    assert!(measured.stdout.starts_with("test loss: "), "{measured:?}");
    let note = "not the data set that the run was trained on; taking its test samples\n";
    assert!(measured.stderr.ends_with(note), "{measured:?}");
    for split in ["train", "validation"] {
        let refused = evaluate(&format!("{elsewhere} --split {split}"));
        refused.failed(3, "not the data set that the run was trained on; give that one with --data-dir");
    }
    // The run's own folder, with other files in it now.
    for entry in fs::read_dir(other.path("data")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, scratch.path("data").join(from.file_name().unwrap())).unwrap();
    }
    evaluate("").failed(3, "not the data set that the run was trained on; give that one with --data-dir");
    evaluate("--data-dir data").succeeded("asked for");
}

#[test]
fn the_same_command_gives_the_same_bytes() {
    let scratch = Scratch::new();
    for run in ["a", "b"] {
        scratch.train(&format!("--epochs 3 --run-dir {run}"));
    }
    scratch.train("--epochs 3 --seed 1 --run-dir c");
    scratch.train("--epochs 3 --no-shuffle --run-dir d");
    assert_eq!(scratch.last("a"), scratch.last("b"));
    assert_ne!(scratch.last("a"), scratch.last("c"));
    assert_ne!(scratch.last("a"), scratch.last("d"));
}

#[test]
fn the_number_of_threads_makes_no_difference() {
    let scratch = Scratch::new();
    for threads in ["1", "2", "5"] {
        let arguments =
            format!("train --model tiny.toml --adapter cpu --batch-size 128 --epochs 3 --run-dir {threads}");
        let mut command = scratch.command(&arguments);
        ended(command.env("RAYON_NUM_THREADS", threads).output().unwrap()).succeeded(&arguments);
    }
    assert_eq!(scratch.last("1"), scratch.last("2"));
    assert_eq!(scratch.last("1"), scratch.last("5"));
}

#[test]
fn the_first_adapter_trains_as_the_cpu_path_does() {
    let scratch = Scratch::new();
    let run = |folder: &str| {
        let arguments = format!(
            "train --model tiny.toml --adapter 0 --batch-size 32 --epochs 2 --learning-rate 1e-4 --json -v --run-dir {folder}"
        );
        ended(scratch.on_the_tests_driver(&arguments).output().unwrap())
            .succeeded("no adapter: scripts/test brings one")
    };
    let (first, _) = (run("a"), run("b"));
    assert_eq!(scratch.last("a"), scratch.last("b"));
    assert!(first.stderr.contains("plan: ") && first.stderr.contains(" MB in "), "{first:?}");
    let last = first.json().pop().unwrap();
    if last["device_type"] == "cpu" {
        assert!(first.stderr.contains("software, not a GPU"), "{first:?}");
    }
    let cpu = scratch.train("--epochs 2 --learning-rate 1e-4 --json").json();
    for (line, expected) in first.json().iter().zip(&cpu).take(2) {
        let apart = line["val_loss"].as_f64().unwrap() - expected["val_loss"].as_f64().unwrap();
        assert!(apart.abs() < 1e-4, "{line} {expected}");
    }
}

#[test]
fn without_vulkan_a_named_adapter_fails_and_auto_takes_the_cpu_path() {
    let scratch = Scratch::new();
    let program = |arguments: &str| {
        let mut command = scratch.command(arguments);
        for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"] {
            command.env(variable, scratch.path("no-driver.json"));
        }
        ended(command.output().unwrap())
    };
    let run =
        |adapter: &str| program(&format!("train --model tiny.toml --epochs 1 --batch-size 32 --adapter {adapter}"));
    run("vulkan").failed(4, "there are: ");
    assert!(!scratch.path("runs").exists());
    run("CPU").succeeded("CPU");
    let automatic = run("AUTO").succeeded("AUTO");
    // A driver of another kind, GL or Metal, may still be here.
    let first = program("devices --json").succeeded("devices").json()[0][0].clone();
    let said = match (first["backend"].as_str(), first["device_type"].as_str()) {
        (Some("cpu"), _) => vec!["no GPU found: taking the CPU path".to_owned()],
        (Some(backend), Some("cpu")) => vec![format!(
            "no GPU found: taking the CPU path, which is faster than the software adapter (--adapter {backend})"
        )],
        _ => vec![],
    };
    let lines: Vec<&str> = automatic.stderr.lines().filter(|line| line.contains("no GPU found")).collect();
    assert_eq!(lines, said, "{first}");
}

#[test]
fn quiet_is_quiet() {
    let ended = Scratch::new().train("--epochs 1 -q");
    assert_eq!(ended.stderr, "");
}

#[test]
fn weights_alone_can_be_the_start() {
    let scratch = Scratch::new();
    scratch.train("--epochs 5 --learning-rate 0.01 --run-dir first");
    let first_loss =
        |arguments: &str| scratch.train(&format!("--epochs 1 --json {arguments}")).json()[0]["loss"].clone();
    let (cold, warm) = (first_loss(""), first_loss("--init first/checkpoints/last.safetensors"));
    assert!(warm.as_f64() < cold.as_f64(), "{warm} {cold}");
}
