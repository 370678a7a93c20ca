//! ONNX files of other programs: what is read predicts as onnxruntime, or the program itself, says; and is written
//! again as a file that predicts the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gpu_fmnist::formats::{Format, Network, read};
use serde::Deserialize;
use serde_json::Value;

use crate::oracles::{TOLERANCE, probabilities, run};

#[derive(Deserialize)]
struct Answer {
    /// `[2, H, W, C]`
    images: Vec<u8>,
    /// `[2, classes]`
    probabilities: Vec<f64>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/onnx")
}

/// What `foreign.py` answers.
fn foreign(command: &str, folder_of_files: &Path) -> Option<serde_json::Map<String, Value>> {
    let answer = run(&folder().join("foreign.py"), &[command.as_ref(), folder_of_files])?;
    Some(answer.as_object().unwrap().clone())
}

fn difference(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
}

/// Says where the network predicts something else.
fn wrong(name: &str, network: &Network, answer: &Answer) -> Option<String> {
    let difference = difference(&probabilities(network, &answer.images), &answer.probabilities);
    (difference > TOLERANCE).then(|| format!("{name}: {difference} off"))
}

#[test]
fn what_others_write_predicts_the_same_here() {
    let files = tempfile::tempdir().unwrap();
    let Some(answers) = foreign("make", files.path()) else { return };
    let mut problems = Vec::new();
    let mut spread = 0.0_f64;
    for (name, answer) in &answers {
        let answer: Answer = serde_json::from_value(answer.clone()).unwrap();
        spread += difference(&answer.probabilities[1..], &answer.probabilities[..answer.probabilities.len() - 1]);
        match read(&files.path().join(format!("{name}.onnx")), None) {
            Ok(network) => {
                assert_eq!(network.model.name, *name);
                let again = Format::Onnx.encode(&network).unwrap();
                fs::write(files.path().join(format!("{name}.again.onnx")), again).unwrap();
                problems.extend(wrong(name, &network, &answer));
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    assert!(spread > 0.1 * answers.len() as f64, "all classes are equally likely, whatever the networks do");
    let again = foreign("check", files.path()).unwrap();
    for (name, answer) in &again {
        let [answer, first] = [answer, &answers[name]].map(|answer| Answer::deserialize(answer).unwrap());
        let difference = difference(&answer.probabilities, &first.probabilities);
        if difference > TOLERANCE {
            problems.push(format!("{name}, written again: {difference} off"));
        }
    }
    assert_eq!(problems, [""; 0], "of {}", answers.len());
    assert_eq!(again.len(), answers.len());
}

#[test]
fn what_no_layer_can_be_is_refused_by_node() {
    let files = tempfile::tempdir().unwrap();
    let Some(parts) = foreign("refused", files.path()) else { return };
    let mut problems = Vec::new();
    for (name, part) in &parts {
        let path = files.path().join(format!("{name}.onnx"));
        let message = read(&path, None).map_or_else(|error| error.to_string(), |_| "is read".into());
        let is_line = message.contains("; ") && !message.contains('\n') && message.len() < 700;
        let begins = message.starts_with(&format!("{}: ", path.display()));
        if !begins || !is_line || !message.contains(part.as_str().unwrap()) {
            problems.push(format!("{name}, {part}: {message}"));
        }
    }
    assert_eq!(problems, [""; 0], "of {}", parts.len());
}

/// What a program that makes networks says of those in `files`, whose names begin with its own; `only` some of them.
fn wrong_files(program: &str, endings: &[&str], only: Option<&[&str]>) -> Vec<String> {
    #[derive(Deserialize)]
    struct Expected {
        images: Vec<Vec<u8>>,
        probabilities: BTreeMap<String, Vec<Vec<f64>>>,
    }
    let text = fs::read_to_string(folder().join(format!("files/{program}.json"))).unwrap();
    let Expected { images, probabilities } = serde_json::from_str(&text).unwrap();
    assert!(!probabilities.is_empty());
    let mut problems = Vec::new();
    for (name, probabilities) in &probabilities {
        if only.is_some_and(|only| !only.contains(&name.as_str())) {
            continue;
        }
        let answer = Answer { images: images.concat(), probabilities: probabilities.concat() };
        for ending in endings {
            let name = format!("{program}_{name}{ending}");
            let network = read(&folder().join(format!("files/{name}.onnx")), None).unwrap();
            problems.extend(wrong(&name, &network, &answer));
        }
    }
    problems
}

/// The networks of `make_pytorch.py`, as both of PyTorch's exporters wrote them.
#[test]
fn pytorchs_own_files_predict_the_same_here() {
    assert_eq!(wrong_files("pytorch", &["_script", "_dynamo"], None), [""; 0]);
}

/// As the newer exporter writes them unless it is told not to: some weights are in a second file.
#[test]
fn pytorchs_files_with_weights_beside_them_predict_the_same_here() {
    assert_eq!(wrong_files("pytorch", &["_beside"], Some(&["lenet", "residual"])), [""; 0]);
}

/// Those of `make_tensorflow.py`, as tf2onnx wrote them.
#[test]
fn kerass_networks_by_way_of_tf2onnx_predict_the_same_here() {
    assert_eq!(wrong_files("tensorflow", &[""], None), [""; 0]);
}
