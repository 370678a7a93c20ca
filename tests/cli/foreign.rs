//! Files and folders of other programs, by whatever name: one line calls them what they are and says what to do.

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::Scratch;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(names: &[&str]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in names {
        archive.start_file(*name, options).unwrap();
        archive.write_all(&[7; 1000]).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// What a file is called where a network, a model or a picture was wanted, and the remedy for a network.
fn files() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 26421880\n";
    let weights = "safetensors.numpy.save_file";
    vec![
        (zip(&["net/data.pkl", "net/byteorder", "net/data/0"]), "a PyTorch file (.pt, .pth)", weights),
        (zip(&["net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"]), "a TorchScript model (.pt)", weights),
        (
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9".to_vec(),
            "a PyTorch file (.pt, .pth, of before",
            weights,
        ),
        (b"\x1c\0\0\0TFL3\x14\0 \0".to_vec(), "a TensorFlow Lite model (.tflite)", "as .keras or .h5"),
        (
            b"{\"format\": \"layers-model\", \"modelTopology\": {}}".to_vec(),
            "a TensorFlow.js model",
            "tensorflowjs_converter",
        ),
        (b"\x08\x04\x12\x20\x0a\x08\x0a\x05image".to_vec(), "a Core ML model (.mlmodel)", "as .keras or .h5"),
        (b"\x80\x04\x95\x1f\0\0\0\0\0\0\0]".to_vec(), "a Python pickle (.pkl, .joblib)", weights),
        (b"\x93NUMPY\x01\0v\0{'descr'".to_vec(), "a NumPy array (.npy)", weights),
        (
            b"<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>\n".to_vec(),
            "a web page (HTML)",
            "download the file",
        ),
        (b"{\"message\": \"Not Found\"}".to_vec(), "a JSON text", "give a"),
        (zip(&["some/file"]), "a zip archive", "unpack it first (unzip)"),
        (gzip(b"anything"), "a file compressed by gzip", "unpack it first (gunzip)"),
        (gzip(&gzip(b"anything")), "a file compressed by gzip twice", "unpack it first (gunzip)"),
        (b"\xfd7zXZ\0\0\x04".to_vec(), "a file compressed by xz", "unpack it first (xz -d)"),
        (lfs.to_vec(), "a Git LFS pointer, in place of the file itself", "run 'git lfs pull'"),
        (b"label,pixel1,pixel2\n1,2,3\n".to_vec(), "a table as text (CSV)", weights),
        (b"PAR1\x15\x04".to_vec(), "a Parquet table", weights),
        (b"MATLAB 5.0 MAT-file".to_vec(), "a MATLAB file (.mat)", weights),
        (b"\0\0\x08\x01\0\0\0\x01\x07".to_vec(), "an IDX file", "give a"),
        (vec![0; 500], "a file of nothing but zeros", "download the file"),
    ]
}

#[test]
fn a_file_of_another_program_is_called_what_it_is() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run -q");
    for (bytes, name, remedy) in files() {
        for file in ["network.h5", "model.toml", "picture.png"] {
            fs::write(scratch.path(file), &bytes).unwrap();
        }
        let evaluated = scratch.run("evaluate --run network.h5 --adapter cpu");
        evaluated.failed(3, &format!("network.h5: {name}"));
        assert!(evaluated.stderr.contains(", not a network that can be read; "), "{evaluated:?}");
        assert!(evaluated.stderr.contains(remedy), "no '{remedy}' in {evaluated:?}");
        scratch.run("train --init network.h5 --adapter cpu").failed(3, &format!("network.h5: {name}"));
        scratch.run("summary --model model.toml").failed(2, &format!("--model model.toml: {name}"));
        scratch.run("summary --model network.h5").failed(2, &format!("--model network.h5: {name}"));
        let asked = scratch.run("predict --run run --adapter cpu picture.png");
        asked.failed(3, &format!("picture.png: {name}"));
        fs::write(scratch.path("data/train-labels-idx1-ubyte"), &bytes).unwrap();
        let trained = scratch.run("train --model tiny.toml --adapter cpu");
        assert_eq!(trained.code, Some(3), "{name}: {trained:?}");
    }
}

#[test]
fn a_folder_of_another_program_is_called_what_it_is() {
    let scratch = Scratch::new();
    for (folder, files, name, remedy) in [
        ("saved", &["saved_model.pb"][..], "a SavedModel (a folder with saved_model.pb)", "tf_keras.models.load_model"),
        ("tfjs", &["model.json", "group1-shard1of1.bin"], "a TensorFlow.js model (a folder", "tensorflowjs_converter"),
        ("ckpt", &["checkpoint", "ckpt-1.index"], "a folder of TensorFlow checkpoints", "as .keras or .h5"),
        ("unpacked", &["config.json", "model.weights.h5"], "the folder of an unpacked .keras file", "zip"),
        ("other", &["notes.txt"], "a folder", "give"),
    ] {
        fs::create_dir(scratch.path(folder)).unwrap();
        for file in files {
            fs::write(scratch.path(folder).join(file), b"1").unwrap();
        }
        for command in ["evaluate --adapter cpu --run", "train --adapter cpu --init", "train --adapter cpu --resume"] {
            let ended = scratch.run(&format!("{command} {folder}"));
            ended.failed(3, &format!("{folder}: {name}"));
            assert!(ended.stderr.contains(remedy), "{ended:?}");
        }
    }
    scratch.run("train --adapter cpu --resume tiny.toml").failed(3, "tiny.toml: a file, not the folder of a run; give");
    scratch.run("summary --model other").failed(2, "--model other: a folder, not a model's TOML file; choose cnn1");
}

#[test]
fn what_is_not_there_is_called_missing() {
    let scratch = Scratch::new();
    for (arguments, code, part) in [
        ("evaluate --run nowhere", 3, "nowhere: there is no such file or folder; check the path"),
        ("train --init nowhere.h5 --adapter cpu", 3, "nowhere.h5: there is no such file; check the path"),
        ("train --data-dir nowhere --adapter cpu", 3, "nowhere: there is no such folder; check the path"),
        ("summary --model nowhere.toml", 2, "--model nowhere.toml: there is no such file; check the path"),
    ] {
        scratch.run(arguments).failed(code, part);
    }
}

/// What version control leaves in place of a large file of a run.
#[test]
fn a_checkpoint_that_is_something_else_is_called_that() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run -q");
    let path = scratch.path("run/checkpoints/last.safetensors");
    fs::write(&path, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 26421880\n").unwrap();
    let part =
        "run/checkpoints/last.safetensors: a Git LFS pointer, in place of the file itself, not a checkpoint; run 'git";
    scratch.run("evaluate --run run --adapter cpu").failed(3, part);
    fs::remove_file(&path).unwrap();
    scratch.run("train --resume run").failed(3, "run/checkpoints/last.safetensors: there is no such file; check");
}
