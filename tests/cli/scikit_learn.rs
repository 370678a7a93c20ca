//! Our classification report against scikit-learn's, from the same `predictions.csv`. `GPU_FMNIST_PYTHON` names a Python
//! that has it.

use std::fs;
use std::path::Path;
use std::process::Command;

use gpu_fmnist::evaluate::{Confusion, Predictions, Report};
use serde_json::Value;

use crate::python::python;
use crate::support::{Scratch, ended};

fn compare(python: &Path, path: &Path, names: &[String]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/classification.py");
    let output = Command::new(python).arg(script).arg(path).args(names).output().unwrap();
    let theirs: Value = ended(output).succeeded("scikit-learn").json().remove(0);

    let csv = fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let column = |place: usize| rows.iter().map(move |row| row[place].parse::<usize>().unwrap());
    // The softmax of logarithms of probabilities is those probabilities.
    let logits = rows.iter().flat_map(|row| &row[3..]).map(|cell| cell.parse::<f32>().unwrap().ln());
    let logits: Vec<f32> = logits.collect();
    let indices = column(0).map(|index| index as u32).collect();
    let predictions = Predictions::from_logits(indices, column(1).collect(), names.len(), &logits);
    let confusion = Confusion::new(&predictions);
    assert_eq!(Report::new(&confusion).text(names), theirs["report"].as_str().unwrap());
    let matrix: Vec<&[u64]> = (0..names.len()).map(|class| confusion.row(class)).collect();
    assert_eq!(serde_json::json!(matrix), theirs["matrix"]);
    assert!((predictions.top(2) - theirs["top2"].as_f64().unwrap()).abs() < 1e-12, "{theirs}");
}

#[test]
fn scikit_learn_finds_the_same_scores() {
    let Some(python) = python("scikit-learn's scores") else { return };
    let scratch = Scratch::new();
    let names = ["0", "1", "2", "3"].map(str::to_owned);
    let path = scratch.path("out.csv");
    for (epochs, rate) in [(1, "1e-6"), (1, "0.01"), (10, "0.01")] {
        scratch.train(&format!("--epochs {epochs} --learning-rate {rate} --run-dir run-{epochs}-{rate} -q"));
        let ended = scratch.succeed(&format!("predict --run run-{epochs}-{rate} --adapter cpu -o out.csv"));
        assert_eq!(ended.stdout, "wrote out.csv\n");
        compare(&python, &path, &names);
    }
    // A network that never says 1, and once or not at all anything but 2.
    let row = |sample: usize| {
        format!("{sample},{},{}\n", sample % 4, if sample == 5 { "3,0,0,0.25,0.75" } else { "2,0.125,0.25,0.5,0.125" })
    };
    let rows: String = (0..37).map(row).collect();
    fs::write(&path, format!("index,label,predicted,p0,p1,p2,p3\n{rows}")).unwrap();
    compare(&python, &path, &["T-shirt/top", "a class with a long name", "Bag", "Coat"].map(str::to_owned));
}
