//! Data sets of people's own: which folder is taken, what is said of it, and that a run keeps to its own.

use std::fs;
use std::path::Path;

use crate::support::{LABELS, Scratch};

/// A scratch folder with its data in `own`, and runs `run` and `folds` of it.
fn trained() -> Scratch {
    let scratch = Scratch::new();
    fs::rename(scratch.path("data"), scratch.path("own")).unwrap();
    scratch.train("--epochs 1 --data-dir own --run-dir run");
    let kfold =
        "kfold --model tiny.toml --folds 2 --epochs 1 --batch-size 32 --adapter cpu --data-dir own --run-dir folds -q";
    scratch.succeed(kfold);
    fs::remove_file(scratch.path("folds/kfold.csv")).unwrap();
    scratch
}

/// What works on a run's own data.
const COMMANDS: [&str; 6] = [
    "train --resume run --epochs 2 --no-report",
    "evaluate --run run",
    "predict --run run",
    "report run",
    "baseline --run run --learners centroid",
    "kfold --resume folds",
];

#[test]
fn the_first_line_names_the_data_folder() {
    let scratch = Scratch::new();
    let first = |arguments: &str| {
        let ended = scratch.train(arguments);
        ended.stderr.lines().next().unwrap().to_owned()
    };
    assert_eq!(first("--epochs 1"), "data: the checksums are not Fashion-MNIST's; taken as another data set");
    fs::rename(scratch.path("data"), scratch.path("own")).unwrap();
    assert!(first("--epochs 1 --data-dir own").starts_with("own: the checksums are not"));
    let log = fs::read_to_string(scratch.path("runs/tiny-2/train.log")).unwrap();
    assert!(log.starts_with("own: "), "{log}");
}

#[test]
fn an_incomplete_data_folder_is_not_passed_over() {
    let scratch = Scratch::new();
    // What would be found after it.
    let keras = scratch.path(".keras/datasets/fashion-mnist");
    fs::create_dir_all(keras.parent().unwrap()).unwrap();
    let copy = |from: &Path, to: &Path| {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
        }
    };
    copy(&scratch.path("data"), &keras);
    let train = "train --model tiny.toml --adapter cpu --batch-size 32 --epochs 1 --no-report";
    fs::rename(scratch.path("data").join(LABELS), scratch.path("data/train-labels.csv")).unwrap();
    scratch
        .run(train)
        .failed(3, "data: no train-labels-idx1-ubyte (but train-labels.csv) here beside train-images-idx3-");
    assert!(!scratch.path("runs").exists());
    // With none of the files it is, in one line.
    for entry in fs::read_dir(scratch.path("data")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    fs::write(scratch.path("data/notes.txt"), "nothing").unwrap();
    let ended = scratch.succeed(train);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(lines[0].starts_with(&keras.display().to_string()), "{ended:?}");
    assert_eq!(lines[1], "data: not taken, since none of the four files is there");
}

#[test]
fn files_of_other_names_are_trained_with() {
    let scratch = Scratch::new();
    for entry in fs::read_dir(scratch.path("data")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().replace("t10k", "test").replace("-idx", ".idx");
        fs::rename(&path, path.with_file_name(name)).unwrap();
    }
    scratch.train("--epochs 1");
    fs::write(scratch.path("data/train-labels.idx1-ubyte"), b"<html>").unwrap();
    let refused = scratch.run("train --model tiny.toml --adapter cpu --batch-size 32");
    refused
        .failed(3, "data/train-labels.idx1-ubyte: a web page (HTML), as a failed download leaves it, not an IDX file");
}

/// The program's own folder has nothing that cannot be had again.
#[test]
fn a_damaged_file_in_the_cache_is_to_be_fetched_again() {
    let scratch = Scratch::new();
    for bytes in [&b""[..], b"<html>403</html>", b"\x1f\x8b\x08"] {
        fs::write(scratch.path("data").join(LABELS), bytes).unwrap();
        let remedy = |variable: &str, arguments: &str| {
            let mut command = scratch.command(&format!("data verify {arguments}"));
            let ended = crate::support::ended(command.env(variable, scratch.path("data")).output().unwrap());
            ended.failed(3, LABELS);
            ended.stderr.trim().rsplit_once("; ").unwrap().1.to_owned()
        };
        let own = format!("--data-dir {}", scratch.path("data").display());
        assert_eq!(remedy("GPU_FMNIST_CACHE", &own), "delete the file and run 'gpu-fmnist data fetch'");
        assert_eq!(remedy("UNRELATED", ""), "put a whole copy of the file in its place");
    }
}

/// No run of another data set would know what to do with Fashion-MNIST.
#[test]
fn a_run_whose_data_is_gone_says_so_and_fetches_nothing() {
    let scratch = trained();
    fs::rename(scratch.path("own"), scratch.path("moved")).unwrap();
    for command in COMMANDS {
        let ended = scratch.run(&format!("{command} --adapter cpu"));
        ended.failed(3, "own: gone, and with it the data set that the run is of; give the folder where it is now with");
        assert!(!ended.stderr.contains("fetching"), "{command}: {ended:?}");
    }
    assert!(!scratch.path(".cache").exists());
    for command in COMMANDS {
        scratch.succeed(&format!("{command} --adapter cpu --data-dir moved"));
    }
}

#[test]
fn a_runs_data_is_known_again_where_data_sets_are_looked_for() {
    let scratch = trained();
    fs::rename(scratch.path("own"), scratch.path("data")).unwrap();
    let config = fs::read(scratch.path("run/config.toml")).unwrap();
    for command in COMMANDS {
        let ended = scratch.succeed(&format!("{command} --adapter cpu"));
        assert!(ended.stderr.contains("data: the checksums are not"), "{command}: {ended:?}");
    }
    // Another one in its place is not it. Going on has recorded the new folder.
    fs::write(scratch.path("run/config.toml"), config).unwrap();
    let other = Scratch::with_images(20);
    fs::remove_dir_all(scratch.path("data")).unwrap();
    fs::rename(other.path("data"), scratch.path("data")).unwrap();
    scratch.run("evaluate --run run --adapter cpu").failed(3, "own: gone");
    // What is left of the folder says what is missing.
    fs::create_dir(scratch.path("own")).unwrap();
    scratch.run("evaluate --run run --adapter cpu").failed(3, "own: no train-images-idx3-ubyte, ");
    fs::write(scratch.path("run/config.toml"), "").unwrap();
    scratch.run("evaluate --run run --adapter cpu").failed(3, "run: its config.toml does not say where");
}

/// Bytes that are no text in the names of everything that can be named.
#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_no_text_survive() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;

    use crate::support::{Ended, ended};

    let scratch = Scratch::new();
    let named = |name: &str| {
        OsString::from(OsStr::from_bytes(
            &name.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect::<Vec<u8>>(),
        ))
    };
    fs::rename(scratch.path("data"), scratch.path("").join(named("data?"))).unwrap();
    fs::rename(scratch.path("tiny.toml"), scratch.path("").join(named("tiny?.toml"))).unwrap();
    let picture = image::GrayImage::from_fn(8, 8, |x, _| image::Luma([if x < 4 { 255 } else { 0 }]));
    picture.save(scratch.path("picture.png")).unwrap();
    fs::rename(scratch.path("picture.png"), scratch.path("").join(named("picture?.png"))).unwrap();
    let run = |arguments: &str| -> Ended {
        let mut command = scratch.command("");
        command.args(arguments.split_whitespace().map(named));
        ended(command.output().unwrap()).succeeded(arguments)
    };
    let trained =
        run("train --model tiny?.toml --data-dir data? --run-dir run? --adapter cpu --batch-size 32 --epochs 1 --json");
    assert_eq!(trained.json()[1]["run_dir"], "run\u{fffd}");
    let environment = scratch.path("").join(named("run?")).join("environment.json");
    let environment: serde_json::Value = serde_json::from_slice(&fs::read(environment).unwrap()).unwrap();
    let words = r"gpu-fmnist train --model $'tiny\377.toml' --data-dir $'data\377' --run-dir $'run\377' --adapter cpu ";
    assert!(environment["commands"][0].as_str().unwrap().starts_with(words), "{environment}");
    // The data's folder is the one that the run's configuration has.
    for arguments in [
        "evaluate --run run? --adapter cpu --json",
        "predict --run run? --adapter cpu -o out?.csv --grid grid?.png",
        "predict --run run? --adapter cpu picture?.png --json",
        "report run? --adapter cpu",
        "plot run?",
        "train --resume run? --epochs 2 --adapter cpu --json",
        "export run? --format onnx",
        "export run? -o network?.safetensors",
        "train --init network?.safetensors --data-dir data? --adapter cpu --batch-size 32 --epochs 1 --no-report",
        "evaluate --run network?.safetensors --data-dir data? --adapter cpu --json -o judged?",
        "kfold --model tiny?.toml --data-dir data? --run-dir folds? --folds 2 --epochs 1 --batch-size 32 --adapter cpu --json",
        "kfold --resume folds? --adapter cpu --json",
        "baseline --run run? --learners centroid --adapter cpu -o baseline? --json",
        "reduce --data-dir data? --components 2 --adapter cpu -o reduced? --json",
        "summary --model tiny?.toml",
        "data split --data-dir data?",
        "data grid --data-dir data? -o grid?.png",
    ] {
        run(arguments);
    }
    for name in ["out?.csv", "grid?.png", "network?.safetensors", "judged?", "baseline?", "reduced?"] {
        assert!(scratch.path("").join(named(name)).exists(), "{name}");
    }
}
