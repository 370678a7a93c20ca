//! `baseline` and `reduce`: tables, pictures, failures as rows, and what scikit-learn makes of the same samples.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use gpu_fmnist::data;
use serde_json::Value;

use crate::python::python;
use crate::support::{Ended, Scratch, ended};

/// Cells of a table's column, by the name in its first line.
fn column(scratch: &Scratch, file: &str, name: &str) -> Vec<String> {
    let mut table = csv::Reader::from_path(scratch.path(file)).unwrap();
    let place = table.headers().unwrap().iter().position(|heading| heading == name).unwrap();
    table.records().map(|row| row.unwrap()[place].to_owned()).collect()
}

#[track_caller]
fn drawn(scratch: &Scratch, folder: &str, names: &[&str]) {
    for name in names {
        for extension in ["svg", "png"] {
            let file = scratch.path(folder).join(format!("{name}.{extension}"));
            assert!(fs::metadata(&file).is_ok_and(|file| file.len() > 1000), "{}", file.display());
        }
    }
}

#[test]
fn learners_and_networks_are_one_table() {
    let scratch = Scratch::new();
    scratch.train("--epochs 5 --learning-rate 0.01 --run-dir trained -q");
    let ended = scratch.succeed("baseline --reduce none,pca:5,pca:0.8 --run trained --adapter cpu");
    let names = column(&scratch, "baseline/baseline.csv", "learner");
    assert_eq!(names.len(), 3 * 8 + 1, "{names:?}");
    assert_eq!(ended.stdout.lines().count(), names.len() + 1, "{}", ended.stdout);
    assert!(names.contains(&"tiny".to_owned()) && names.contains(&"random forest".to_owned()), "{names:?}");
    let accuracies: Vec<f64> =
        column(&scratch, "baseline/baseline.csv", "test_accuracy").iter().map(|cell| cell.parse().unwrap()).collect();
    assert!(accuracies.windows(2).all(|pair| pair[0] >= pair[1]), "{accuracies:?}");
    // Each class has a bright quarter of its own.
    assert!(accuracies.iter().all(|accuracy| *accuracy > 0.8), "{}", ended.stdout);
    drawn(&scratch, "baseline", &["accuracy", "trade_off"]);
}

#[test]
fn a_row_is_an_object_and_the_same_again() {
    let scratch = Scratch::new();
    let rows = || -> Vec<Value> {
        let ended =
            scratch.succeed("baseline --learners forest,knn,tree --adapter cpu --train-count 100 --seed 3 --json -q");
        assert_eq!(ended.stderr, "");
        let figures = ["learner", "reduction", "training_samples", "val_accuracy", "val_macro_f1", "test_accuracy"];
        ended.json().iter().map(|row| figures.iter().map(|&name| row[name].clone()).collect()).collect()
    };
    let first = rows();
    assert_eq!(first.len(), 3);
    assert!(first.iter().all(|row| row[2] == 100 && row[1] == "none"), "{first:?}");
    assert_eq!(first, rows());
}

#[test]
fn what_cannot_be_compared_is_said_in_one_line() {
    let scratch = Scratch::new();
    for (arguments, code, part) in [
        ("baseline --learners forests", 2, "forest"),
        ("baseline --reduce pca", 2, "none nor pca"),
        ("baseline --reduce pca:0", 2, "give 1 to 64"),
        ("baseline --reduce pca:65 --learners centroid", 2, "give 1 to 64"),
        ("baseline --run nowhere", 3, "nowhere"),
        ("reduce --components 65", 2, "give 1 to 64"),
        ("reduce --components 1.5", 2, "part of the variance"),
        ("reduce --method tsne --perplexity 40", 2, "give 1 to 33"),
        ("reduce --data-dir nowhere", 3, "nowhere"),
    ] {
        let ended = scratch.run(&format!("{arguments} --adapter cpu"));
        assert_eq!(ended.code, Some(code), "{arguments}: {ended:?}");
        assert!(ended.stderr.contains(part) && !ended.stderr.contains("panicked"), "{arguments}: {ended:?}");
    }
    let blocked = scratch.path("file");
    fs::write(&blocked, "").unwrap();
    scratch.run("baseline --learners centroid --adapter cpu -o file").failed(1, "file");
    scratch.run("reduce --adapter cpu -o file").failed(1, "file");
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_the_finished_rows() {
    use std::time::{Duration, Instant};

    use crate::support::{Running, Signal};

    let scratch = Scratch::with_images(20_000);
    let arguments = "baseline --learners centroid,svm,boosting --reduce none,pca:60 --adapter cpu";
    let mut comparison = Running::start(&mut scratch.command(arguments));
    let csv = scratch.path("baseline/baseline.csv");
    let began = Instant::now();
    while !csv.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "no row");
        std::thread::sleep(Duration::from_millis(5));
    }
    comparison.send(Signal::SIGINT);
    let ended = comparison.ended();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.stderr.contains("finished rows are in baseline/baseline.csv"), "{ended:?}");
    let kept = column(&scratch, "baseline/baseline.csv", "learner");
    assert!(kept.contains(&"nearest centroid".to_owned()) && kept.len() < 6, "{kept:?}");
    assert_eq!(ended.stdout.lines().count(), kept.len() + 1, "{ended:?}");
}

#[test]
fn components_are_the_same_bits_on_every_executor() {
    let scratch = Scratch::new();
    let ended = scratch.succeed("reduce --components 7 --adapter cpu");
    assert!(ended.stdout.contains("7 of 64 components"), "{}", ended.stdout);
    drawn(&scratch, "reduced/pca", &["scree", "components", "scatter"]);
    assert_eq!(column(&scratch, "reduced/pca/explained_variance.csv", "ratio").len(), 64);
    assert_eq!(column(&scratch, "reduced/pca/coordinates.csv", "x7").len(), 100);

    let parts = |ended: Ended| -> Vec<Value> {
        let object = &ended.json()[0];
        ["components", "mean", "variances", "ratios", "vectors"].map(|name| object[name].clone()).to_vec()
    };
    let expected = parts(scratch.succeed("reduce --components 7 --adapter cpu --json"));
    assert_eq!(expected[0], 7);
    let mut command = scratch.on_the_tests_driver("reduce --components 7 --adapter 0 --json");
    assert_eq!(parts(crate::support::ended(command.output().unwrap()).succeeded("an adapter")), expected);
}

#[test]
fn t_sne_keeps_classes_together_and_repeats_itself() {
    let scratch = Scratch::new();
    let points = |folder: &str| {
        scratch.succeed(&format!("reduce --method tsne --perplexity 10 --components 5 --adapter cpu -o {folder}"));
        let file = format!("{folder}/coordinates.csv");
        let coordinate = |name: &str| column(&scratch, &file, name).iter().map(|cell| cell.parse().unwrap()).collect();
        let [x, y]: [Vec<f64>; 2] = [coordinate("x1"), coordinate("x2")];
        (column(&scratch, &file, "label"), x.into_iter().zip(y).collect::<Vec<(f64, f64)>>())
    };
    let (labels, placed) = points("one");
    assert_eq!(placed.len(), 100);
    let distance = |one: (f64, f64), other: (f64, f64)| (one.0 - other.0).hypot(one.1 - other.1);
    let nearest = |sample: usize| {
        let others = (0..100).filter(|&other| other != sample);
        let key = |other: &usize| distance(placed[sample], placed[*other]);
        others.min_by(|one, other| key(one).total_cmp(&key(other))).unwrap()
    };
    let alike = (0..100).filter(|&sample| labels[sample] == labels[nearest(sample)]).count();
    assert!(alike > 90, "{alike} of 100");
    drawn(&scratch, "one", &["scatter"]);
    assert_eq!(points("two").1, placed);
}

/// On Fashion-MNIST itself: a learner that is right where it is easy says little.
#[test]
fn scikit_learn_is_as_accurate() {
    let Some(python) = python("scikit-learn's learners") else { return };
    let folder = data::locate(None).unwrap().expect("no data set: gpu-fmnist data fetch");
    const COUNT: &str = "4000";
    const COMPONENTS: &str = "50";
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/learners.py");
    let output = Command::new(python).arg(script).arg(&folder).args([COUNT, COMPONENTS]).output().unwrap();
    let theirs = ended(output).succeeded("scikit-learn").json().remove(0);

    let scratch = Scratch::new();
    let data = format!("--data-dir {} --adapter cpu --json -q", folder.canonicalize().unwrap().display());
    let rows = scratch.succeed(&format!("baseline --reduce none,pca:{COMPONENTS} --train-count {COUNT} {data}")).json();
    let ours: BTreeMap<String, f64> = rows
        .iter()
        .map(|row| (row, format!("{}, {}", row["learner"].as_str().unwrap(), row["reduction"].as_str().unwrap())))
        .map(|(row, name)| (name, row["test_accuracy"].as_f64().unwrap()))
        .collect();
    for (name, expected) in theirs["accuracies"].as_object().unwrap() {
        let (ours, expected) = (ours[name], expected.as_f64().unwrap());
        // What is random has other random numbers, and a tree's ties other winners.
        let apart = if name.contains("tree") || name.contains("forest") { 0.015 } else { 0.002 };
        assert!((ours - expected).abs() <= apart, "{name}: {ours}, scikit-learn {expected}");
    }

    let all = "--components 50 --validation-fraction 0.2 --method pca";
    let object = scratch.succeed(&format!("reduce {all} --train-count {COUNT} {data}")).json().remove(0);
    let numbers = |value: &Value| -> Vec<f64> {
        let flat = |value: &Value| value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        match value[0].is_array() {
            true => value.as_array().unwrap().iter().flat_map(|row| -> Vec<f64> { flat(row) }).collect(),
            false => flat(value),
        }
    };
    for (expected, ratio) in numbers(&theirs["ratios"]).iter().zip(numbers(&object["ratios"])) {
        assert!((ratio - expected).abs() <= 1e-9 * expected, "{ratio}, scikit-learn {expected}");
    }
    let (expected, vectors) = (numbers(&theirs["vectors"]), numbers(&object["vectors"]));
    assert_eq!(expected.len(), vectors.len());
    for (component, (expected, vector)) in expected.chunks(784).zip(vectors.chunks(784)).enumerate() {
        let apart = expected.iter().zip(vector).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-6, "component {}: {apart}", component + 1);
    }
}
