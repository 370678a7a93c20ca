//! `bench --target-accuracy`: its runs are those of `train`, and what it says of them follows from them.

use std::fs;

use serde_json::Value;

use crate::support::{COUNT, Scratch, names};

const BENCH: &str = "bench --model tiny.toml --batch-size 32 --epochs 3 --learning-rate 0.01 --adapter cpu -o out";

/// The last line of such a run of `train`, whose folder is called `run`.
fn trained(scratch: &Scratch, seed: u64, options: &str) -> Vec<Value> {
    let train = format!("--epochs 3 --learning-rate 0.01 --seed {seed} --run-dir run-{seed} --json {options}");
    scratch.train(&train).json()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn its_runs_are_those_of_train() {
    let scratch = Scratch::new();
    let bench = scratch.succeed(&format!("{BENCH} --target-accuracy 0.5 --seeds 3 --seed 4 --tta flip --json")).json();
    let result = &bench[0]["results"][0];
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    for (run, seed) in runs.iter().zip(4..) {
        let lines = trained(&scratch, seed, "");
        assert_eq!((&run["seed"], &run["accuracy"]), (&seed.into(), &lines[3]["test_accuracy"]), "{run}");
        assert_eq!(result["training_flop"], lines[3]["training_flop"]);
        let evaluate = format!("evaluate --run run-{seed} --tta flip --adapter cpu --json");
        assert_eq!(run["tta_accuracy"], scratch.succeed(&evaluate).json()[0]["accuracy"], "{run}");
        assert!(number(&run["seconds"]) > 0.0);
    }
    assert_eq!(
        (&result["samples"], &result["training_samples"], &result["epochs"]),
        (&100.into(), &240.into(), &3.into())
    );
    // Of the layers in turn: 9 * 4 + 4, 36 * 16 + 16, 16 * 4 + 4.
    assert_eq!((&result["parameters"], &result["multiply_accumulates"]), (&700.into(), &1936.into()));
    for key in ["accuracy", "tta_accuracy"] {
        let values: Vec<f64> = runs.iter().map(|run| number(&run[key])).collect();
        let mean = values.iter().sum::<f64>() / 3.0;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        let of = &result[key];
        for (name, expected) in
            [("mean", mean), ("standard_deviation", deviation), ("standard_error", deviation / 3_f64.sqrt())]
        {
            assert!((number(&of[name]) - expected).abs() < 1e-12, "{name}: {of} {expected}");
        }
        assert_eq!(of["reached"], values.iter().filter(|value| **value >= 0.5).count(), "{of}");
    }
}

/// Recipes are sought without a look at the test samples: these may be of another kind, and change nothing.
#[test]
fn the_accuracy_can_be_that_of_samples_held_out() {
    let scratch = Scratch::new();
    let bench = format!("{BENCH} --target-accuracy 0.9 --seeds 1 --split validation --validation-fraction 0.4 --json");
    let result = scratch.succeed(&bench).json().remove(0);
    let run = &result["results"][0];
    let lines = trained(&scratch, 0, "--validation-fraction 0.4");
    assert_eq!((&result["split"], &run["samples"]), (&"validation".into(), &(COUNT * 2 / 5).into()));
    assert_eq!(run["runs"][0]["accuracy"], lines[2]["val_accuracy"]);
    let labels = scratch.path("data/t10k-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[8..].iter_mut().for_each(|label| *label = (*label + 1) % 4);
    fs::write(&labels, bytes).unwrap();
    let again = scratch.succeed(&bench).json().remove(0);
    assert_eq!(again["results"][0]["accuracy"], run["accuracy"]);

    let none = format!("{BENCH} --target-accuracy 0.9 --split validation --validation-fraction 0");
    scratch.run(&none).failed(2, "--split validation: tiny holds no samples out; give a --validation-fraction such as");
}

#[test]
fn a_row_a_model_and_adapter_and_a_picture_of_all() {
    let scratch = Scratch::new();
    fs::copy(scratch.path("tiny.toml"), scratch.path("other.toml")).unwrap();
    let bench = BENCH.replace("tiny.toml", "tiny.toml,other.toml").replace("cpu", "cpu,cpu");
    let ended = scratch.succeed(&format!("{bench} --target-accuracy 0.1 --seeds 2 --set layers.dense.units=20"));
    let rows: Vec<Vec<&str>> = ended.stdout.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    let table: Vec<&Vec<&str>> = rows.iter().filter(|row| row.last() == Some(&"2 of 2")).collect();
    assert_eq!(table.len(), 4, "{ended:?}");
    for (row, (model, adapter)) in
        table.iter().zip([("tiny", "1: cpu"), ("tiny", "2: cpu"), ("other", "1: cpu"), ("other", "2: cpu")])
    {
        let cells: Vec<&&str> = row.iter().filter(|cell| !cell.is_empty()).collect();
        assert_eq!((*cells[0], *cells[1], *cells[2], *cells[3]), (model, adapter, "2", "864"), "{ended:?}");
        assert!(cells[8].contains(" ± ") && cells[8].ends_with(')'), "{ended:?}");
    }
    assert!(ended.stdout.contains("accuracy of 100 test samples after the last epoch: mean ± "), "{ended:?}");
    let said = "tiny on 2: cpu, seed 1: test accuracy ";
    assert!(ended.stderr.contains(said) && ended.stderr.ends_with("into out\n"), "{ended:?}");
    assert_eq!(names(&scratch.path("out")), ["accuracy.csv", "accuracy.png", "accuracy.svg"]);
    let svg = fs::read_to_string(scratch.path("out/accuracy.svg")).unwrap();
    for words in
        ["other on 2: cpu", "the target, 0.1", "FLOP of training (logarithmic)", "test accuracy after the last"]
    {
        assert!(svg.contains(words), "{words}");
    }
    let mut csv = csv::Reader::from_path(scratch.path("out/accuracy.csv")).unwrap();
    let runs: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    let mut of = |row: usize, name: &str| {
        let place = csv.headers().unwrap().iter().position(|heading| heading == name).unwrap();
        runs[row][place].to_owned()
    };
    assert_eq!(runs.len(), 8);
    assert_eq!((of(0, "model"), of(1, "seed"), of(7, "model")), ("tiny".into(), "1".into(), "other".into()));
    // The adapters are the same, and so is what they reach.
    assert_eq!(of(0, "accuracy"), of(2, "accuracy"));
}

#[test]
fn options_of_one_kind_of_bench_are_none_of_the_other() {
    let scratch = Scratch::new();
    for options in ["--seeds 3", "--epochs 3", "--tta flip", "--split test", "--validation-fraction 0.1", "-o out"] {
        let ended = scratch.run(&format!("bench --model tiny.toml --adapter cpu {options}"));
        assert!(ended.code == Some(2) && ended.stderr.contains("--target-accuracy <ACCURACY>"), "{options}: {ended:?}");
    }
    for options in ["--steps 3", "--repeats 5"] {
        assert_eq!(scratch.run(&format!("{BENCH} --target-accuracy 0.9 {options}")).code, Some(2), "{options}");
    }
    for target in ["0", "1.01", "93", "nan", "x"] {
        let ended = scratch.run(&format!("{BENCH} --target-accuracy {target}"));
        assert!(ended.code == Some(2) && ended.stderr.contains("give one such as 0.93"), "{target}: {ended:?}");
    }
    scratch
        .run(&format!("{BENCH} --target-accuracy 0.9 --tta shift:9"))
        .failed(2, "--tta shift:9: moves images of 8 x 8");
    fs::write(scratch.path("file"), "in the way").unwrap();
    let bench = BENCH.replace("-o out", "-o file");
    scratch.run(&format!("{bench} --target-accuracy 0.9")).failed(1, "file: cannot be made (");
}

#[cfg(unix)]
#[test]
fn an_interrupt_prints_what_is_finished() {
    use std::time::{Duration, Instant};

    use crate::support::{Running, Signal};

    let scratch = Scratch::new();
    let bench = format!("{BENCH} --target-accuracy 0.1 --seeds 1000");
    let mut running = Running::start(&mut scratch.command(&bench));
    let start = Instant::now();
    while !scratch.path("out/accuracy.csv").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no run was finished");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.send(Signal::SIGINT);
    let stopped = running.ended();
    assert_eq!(stopped.code, Some(130), "{stopped:?}");
    let runs = fs::read_to_string(scratch.path("out/accuracy.csv")).unwrap().lines().count() - 1;
    let words = format!("interrupted; {runs} finished runs are in out/accuracy.csv\n");
    assert!(runs > 0 && stopped.stderr.ends_with(&words), "{stopped:?}");
    assert!(stopped.stdout.contains(&format!("  {runs} of 1000  ")), "{stopped:?}");
}
