//! Bad input of every kind: one line that names the fault and the remedy, the right exit code, no panic.

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::support::{COUNT, IMAGES, LABELS, MODEL, Scratch, idx};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const TRAIN: &str = "train --model tiny.toml --adapter cpu --batch-size 32 --epochs 1";

/// Trains after the file of the data set was replaced.
#[track_caller]
fn with_file(name: &str, bytes: &[u8], part: &str) {
    let scratch = Scratch::new();
    fs::write(scratch.path("data").join(name), bytes).unwrap();
    let ended = scratch.run(TRAIN);
    ended.failed(3, part);
    assert!(ended.stderr.contains(name) && ended.stderr.contains("; "), "{ended:?}");
    assert!(!scratch.path("runs").exists(), "a run was begun");
}

#[test]
fn corrupt_data_is_refused() {
    let good = fs::read(Scratch::new().path("data").join(IMAGES)).unwrap();
    let packed = gzip(&good);
    with_file(IMAGES, &[], "empty");
    with_file(IMAGES, &packed[..packed.len() / 2], "the gzip stream ends early");
    with_file(IMAGES, &good[..good.len() - 5], "need");
    with_file(IMAGES, &idx(0x0801, &[COUNT], vec![0; COUNT]), "which are those of labels, not of images");
    with_file(IMAGES, &gzip(&[good.as_slice(), &vec![0; 50_000_000]].concat()), "bytes follow");
    with_file(LABELS, &idx(0x0801, &[COUNT - 1], vec![0; COUNT - 1]), "count");
    let mut labels = vec![0; COUNT];
    labels[17] = 9;
    with_file(LABELS, &idx(0x0801, &[COUNT], labels), "label 9 of sample 17 is beyond the 4 classes");
    with_file("t10k-images-idx3-ubyte", &idx(0x0803, &[100, 6, 8], vec![0; 4800]), "the shape [H, W, C] is [6, 8, 1]");
}

#[test]
fn a_missing_file_or_folder_is_named() {
    let scratch = Scratch::new();
    fs::remove_file(scratch.path("data").join(LABELS)).unwrap();
    scratch.run(&format!("{TRAIN} --data-dir data")).failed(3, "train-labels-idx1-ubyte");
    scratch.run(&format!("{TRAIN} --data-dir nowhere")).failed(3, "nowhere");
    scratch
        .run(&format!("{TRAIN} --data-dir tiny.toml"))
        .failed(3, "tiny.toml: a model's TOML file, which has no weights, not the folder of a data set; give");
}

#[test]
fn images_must_fit_the_model() {
    Scratch::new().run("train --adapter cpu").failed(3, "images are [8, 8, 1] [H, W, C], but model 'cnn1' takes");
}

#[test]
fn impossible_options_are_refused() {
    let scratch = Scratch::new();
    for (options, part) in [
        ("--batch-size 0", "--batch-size 0"),
        ("--batch-size 241", "--batch-size 241: only 240 samples"),
        ("--batch-size 18446744073709551615", "--batch-size 18446744073709551615: too large; give at most"),
        ("--epochs 0", "--epochs 0"),
        ("--epochs 18446744073709551615", "--epochs 18446744073709551615: too many to count; give at most"),
        ("--learning-rate 0", "--learning-rate 0"),
        ("--learning-rate -1e-3", "--learning-rate -0.001: not a positive number; give"),
        ("--learning-rate nan", "--learning-rate NaN"),
        ("--learning-rate inf", "--learning-rate inf"),
        ("--validation-fraction 1", "--validation-fraction 1: not between 0 and 1; give"),
        ("--validation-fraction -0.5", "--validation-fraction -0.5: not between 0 and 1; give"),
        ("--validation-fraction 0.999", "--validation-fraction 0.999: leaves 300 of 300"),
        ("--validation-fraction nan", "--validation-fraction NaN: not between"),
    ] {
        scratch.run(&format!("train --model tiny.toml --adapter cpu {options}")).failed(2, part);
    }
    for options in ["--batch-size -1", "--epochs x", "--learning-rate x", "--seed 1.5", "--seed 18446744073709551615"] {
        let ended = scratch.run(&format!("train --model tiny.toml --adapter cpu {options}"));
        assert_eq!(ended.code, Some(2), "{options}: {ended:?}");
        assert!(ended.stderr.starts_with("error: "), "{options}: {ended:?}");
    }
    assert!(!scratch.path("runs").exists());
}

#[test]
fn impossible_models_are_refused() {
    let scratch = Scratch::new();
    scratch.run("train --model cnn4").failed(2, "did you mean \"cnn1\"?");
    scratch.run("summary --model nowhere.toml").failed(2, "nowhere.toml: there is no such file; check");
    for (from, to, part) in [
        ("size = 2", "size = 9", "larger than its input"),
        ("type = \"flatten\"", "type = \"flaten\"", "did you mean \"flatten\"?"),
        ("units = 16", "unit = 16", "did you mean \"units\"?"),
        ("units = 16", "units = 0", "units"),
        ("units = 16", "units = 4611686018427387904", "bad.toml: model 'bad', layer 4 (dense): units is"),
        ("filters = 4,", "filters = 4000000,", "--batch-size or the model smaller"),
        ("kernel = 3", "kernel = 4294967296, padding = \"same\"", "layer 1 (conv2d): kernel is 4294967296; give"),
        ("kernel = 3", "kernel = \"3\"", "bad.toml: layer 1 (conv2d): kernel is \"3\"; give"),
        ("[8, 8, 1]", "[8, 8]", "bad.toml: the model: input is [8, 8]; give"),
        ("[8, 8, 1]", "[0, 8, 1]", "input is [0, 8, 1]; give"),
        ("rate = 0.25", "rate = 1.0", "rate is 1; give"),
        ("layers", "layer", "layers"),
        ("[", "", "bad.toml: line 2 is not TOML"),
    ] {
        fs::write(scratch.path("bad.toml"), MODEL.replacen(from, to, 1)).unwrap();
        scratch.run("train --model bad.toml --adapter cpu --batch-size 32").failed(2, part);
    }
    fs::write(scratch.path("bad.toml"), b"name = \"\xff\"").unwrap();
    scratch.run("summary --model bad.toml").failed(2, "bad.toml: byte 8 is not UTF-8; save");
    assert!(!scratch.path("runs").exists());
}

#[test]
fn an_unwritable_run_folder_is_named() {
    let scratch = Scratch::new();
    fs::write(scratch.path("file"), "in the way").unwrap();
    scratch.run(&format!("{TRAIN} --run-dir file/run")).failed(1, "file/run");
    scratch.run(&format!("{TRAIN} --run-dir data")).failed(2, "--run-dir data: not empty");
    fs::write(scratch.path("runs"), "in the way").unwrap();
    scratch.run(TRAIN).failed(1, "runs: the run's folder cannot be made");
}

#[test]
fn an_adapter_that_is_not_there_is_refused() {
    let scratch = Scratch::new();
    scratch.run(&format!("{TRAIN} --adapter nonesuch").replace("--adapter cpu ", "")).failed(4, "there are: ");
    let mut command = scratch.command("train --model tiny.toml");
    command.env("GPU_FMNIST_ADAPTER", "nonesuch");
    crate::support::ended(command.output().unwrap()).failed(4, "--adapter nonesuch");
}
