//! `evaluate` and `kfold`: what they print and write.

use std::fs;

use serde_json::Value;

use crate::support::Scratch;

fn png_size(bytes: &[u8]) -> (u32, u32) {
    let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    reader.info().size()
}

#[test]
fn evaluate_says_and_writes_what_the_predictions_are_worth() {
    let scratch = Scratch::new();
    scratch.train("--epochs 3 --run-dir run");
    let text = scratch.succeed("evaluate --run run --adapter cpu").stdout;
    let value: Value =
        serde_json::from_str(&scratch.succeed("evaluate --run run --adapter cpu --json -o other").stdout).unwrap();
    let folder = scratch.path("run/evaluation/test");
    let report = fs::read_to_string(folder.join("classification_report.txt")).unwrap();
    assert!(text.contains(&report), "{text}");
    assert!(
        text.starts_with(&format!(
            "test loss: {:.4} - test accuracy: {:.4} - top-2",
            value["loss"].as_f64().unwrap(),
            value["accuracy"].as_f64().unwrap()
        )),
        "{text}"
    );

    // The same counts as JSON, as CSV and on the terminal, and they are the data set's.
    let csv = fs::read_to_string(folder.join("confusion_matrix.csv")).unwrap();
    let rows: Vec<Vec<u64>> = serde_json::from_value(value["confusion_matrix"].clone()).unwrap();
    let spelled: String = rows
        .iter()
        .enumerate()
        .map(|(class, row)| {
            let counts: String = row.iter().map(|count| format!(",{count}")).collect();
            format!("\"{class}\"{counts}\n")
        })
        .collect();
    assert_eq!(csv, format!("actual,\"0\",\"1\",\"2\",\"3\"\n{spelled}"));
    assert_eq!(rows.iter().map(|row| row.iter().sum::<u64>()).collect::<Vec<_>>(), [25; 4]);
    let hits: u64 = (0..4).map(|class| rows[class][class]).sum();
    assert_eq!(value["accuracy"].as_f64().unwrap(), hits as f64 / 100.0);
    let bins: u64 =
        value["calibration_bins"].as_array().unwrap().iter().map(|bin| bin["samples"].as_u64().unwrap()).sum();
    assert_eq!(bins, 100);

    for name in ["confusion_matrix", "reliability"] {
        let (width, height) = png_size(&fs::read(scratch.path("other").join(format!("{name}.png"))).unwrap());
        assert!(width > 300 && height > 300, "{name}: {width} x {height}");
        let svg = fs::read_to_string(scratch.path("other").join(format!("{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("test samples"), "{name}");
    }
}

#[test]
fn train_ends_with_its_evaluation_and_report() {
    let scratch = Scratch::new();
    let train = "train --model tiny.toml --epochs 1 --adapter cpu --batch-size 32";
    let ended = scratch.succeed(&format!("{train} --run-dir run"));
    let evaluated = scratch.succeed("evaluate --run run --adapter cpu -o again");
    assert_eq!(ended.stdout, evaluated.stdout);
    for name in ["confusion_matrix.csv", "confusion_matrix.svg", "reliability.png", "classification_report.txt"] {
        let read = |folder: &str| fs::read(scratch.path(folder).join(name)).unwrap();
        assert_eq!(read("run/evaluation/test"), read("again"), "{name}");
    }
    assert!(scratch.path("run/learning_curves.png").exists());
    assert!(fs::read_to_string(scratch.path("run/report.html")).unwrap().contains("</html>"));
    let ended = scratch.succeed(&format!("{train} --no-report --run-dir other"));
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    assert!(!scratch.path("other/report.html").exists() && !scratch.path("other/evaluation").exists());
}

/// Rows of `kfold.csv` without their seconds.
fn rows(scratch: &Scratch, run: &str) -> Vec<String> {
    let text = fs::read_to_string(scratch.path(run).join("kfold.csv")).unwrap();
    text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
}

#[test]
fn folds_share_nothing_and_go_on_after_the_last_finished_one() {
    let scratch = Scratch::new();
    let kfold = "kfold --model tiny.toml --folds 3 --seed 1 --epochs 2 --batch-size 32 --adapter cpu --run-dir run";
    let ended = scratch.succeed(kfold);
    assert!(ended.stdout.contains("95 % confidence"), "{}", ended.stdout);
    let whole = rows(&scratch, "run");
    assert_eq!(whole.len(), 4);
    assert_eq!(whole[0], "fold,loss,accuracy,val_loss,val_accuracy,test_loss,test_accuracy");
    assert!(scratch.path("run/kfold.png").exists() && scratch.path("run/kfold.svg").exists());

    // Held out are the samples of scikit-learn's fold: `data split` is held to its golden file.
    let splits: Vec<Value> =
        serde_json::from_str(&scratch.succeed("data split --count 300 --folds 3 --seed 1 --json").stdout).unwrap();
    let held_out = splits[1]["validation"].as_array().unwrap().len();
    let evaluated = scratch.succeed("evaluate --run run/fold-2 --split validation --adapter cpu --json").stdout;
    let evaluated: Value = serde_json::from_str(&evaluated).unwrap();
    assert_eq!(evaluated["samples"], held_out);
    let accuracy = evaluated["accuracy"].as_f64().unwrap();
    assert_eq!(whole[2].split(',').nth(4).unwrap().parse::<f64>().unwrap(), accuracy);

    // As if it had been interrupted in the second fold, with the first one's run gone, too.
    let csv = fs::read_to_string(scratch.path("run/kfold.csv")).unwrap();
    let kept: String = csv.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs::write(scratch.path("run/kfold.csv"), kept).unwrap();
    fs::remove_dir_all(scratch.path("run/fold-3")).unwrap();
    let ended = scratch.succeed("kfold --resume run --data-dir data --adapter cpu --json");
    assert_eq!(rows(&scratch, "run"), whole, "the later folds are what they were");
    let lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "two folds and the means");
    assert_eq!(lines[0]["fold"], 2);
    let mean: f64 =
        whole[1..].iter().map(|row| row.split(',').nth(6).unwrap().parse::<f64>().unwrap()).sum::<f64>() / 3.0;
    assert!((lines[2]["test_accuracy"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
}

#[test]
fn what_cannot_be_folded_is_one_line() {
    let scratch = Scratch::new();
    for (arguments, code, words) in [
        ("kfold --folds 1 --adapter cpu", 2, "--folds 1"),
        ("kfold --model tiny.toml --folds 301 --batch-size 1 --adapter cpu --run-dir run", 2, "301"),
        ("kfold --resume nowhere --adapter cpu", 3, "nowhere: there is no such folder; check"),
        (
            "kfold --resume data --adapter cpu",
            3,
            "data: the folder of a data set, not the folder of a cross-validation",
        ),
    ] {
        let ended = scratch.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments}: {}", ended.stderr);
        let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(errors.len() == 1 && errors[0].contains(words), "{arguments}: {}", ended.stderr);
    }
    assert!(!scratch.path("run").exists(), "nothing is written");
}
