//! `export`, and networks from files in `evaluate` and `train --init`.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use gpu_fmnist::formats::{Checkpoint, Network, read};
use gpu_fmnist::precision::Precision;
use safetensors::tensor::{Dtype, TensorView, serialize};

use crate::onnx::{foreign, node, weight};
use crate::python::python;
use crate::support::{MODEL, Scratch, ended, names};

fn trained() -> Scratch {
    let scratch = Scratch::new();
    scratch.train("--epochs 3 --run-dir run");
    scratch
}

/// The network in a file of the scratch folder, its tensors sorted by name.
fn network(scratch: &Scratch, name: &str) -> Network {
    let mut network = read(&scratch.path(name), None).unwrap();
    network.tensors.sort_by(|one, other| one.name.cmp(&other.name));
    network
}

#[test]
fn a_network_goes_out_and_comes_back() {
    let scratch = trained();
    let exported = scratch.succeed("export run --format onnx").stdout;
    let lines: Vec<&str> = exported.lines().collect();
    assert_eq!(lines.len(), 2, "{exported}");
    assert!(lines[0].starts_with("wrote run/tiny.onnx (onnx, 0.0 MB)"), "{exported}");
    assert!(lines[1].contains("onnxruntime.InferenceSession(\"run/tiny.onnx\")"), "{exported}");
    scratch.succeed("export run/tiny.onnx -o tiny.safetensors");
    scratch.succeed("export tiny.safetensors -o again.onnx");
    scratch.succeed("export run -o run.safetensors");
    let files =
        ["run/checkpoints/last.safetensors", "run/tiny.onnx", "tiny.safetensors", "again.onnx", "run.safetensors"];
    for file in &files[1..] {
        assert_eq!(network(&scratch, file), network(&scratch, files[0]), "{file}");
    }
    let bytes = |name: &str| fs::read(scratch.path(name)).unwrap();
    assert_eq!(bytes("again.onnx"), bytes("run/tiny.onnx"));
    assert_eq!(bytes("run.safetensors"), bytes("tiny.safetensors"));
    assert_eq!(names(&scratch.path("run")).len(), 7, "nothing but the file is left");

    let evaluate = |run: &str| scratch.succeed(&format!("evaluate --run {run} --adapter cpu --json")).json().remove(0);
    let expected = evaluate("run");
    assert_eq!(expected["run_dir"], "run");
    for file in files {
        let measured = evaluate(file);
        for key in ["model", "accuracy", "samples"] {
            assert_eq!(measured[key], expected[key], "{file}");
        }
        // Batches of another size are another order of sums.
        let [one, other] = [&measured, &expected].map(|line| line["loss"].as_f64().unwrap());
        assert!((one - other).abs() < 1e-6, "{file}: {one} {other}");
        assert!(measured["run_dir"].is_null() && measured["epoch"].is_null(), "{measured}");
    }
}

#[test]
fn keras_files_go_out_and_come_back() {
    let scratch = trained();
    let train = |init: &str, run: &str| {
        let options = "--adapter cpu --batch-size 32 --epochs 1";
        scratch.succeed(&format!("train --init {init} --run-dir {run} {options}"));
        scratch.last(run)
    };
    let expected = train("run/checkpoints/last.safetensors", "expected");
    let weights = network(&scratch, "run/checkpoints/last.safetensors").tensors;
    let evaluate = |run: &str| scratch.succeed(&format!("evaluate --run {run} --adapter cpu --json")).json().remove(0);
    let accuracy = evaluate("run")["accuracy"].clone();
    for (format, file) in [("keras-h5", "tiny.h5"), ("keras", "tiny.keras")] {
        let exported = scratch.succeed(&format!("export run --format {format}")).stdout;
        assert!(exported.contains(&format!("keras.models.load_model(\"run/{file}\")")), "{exported}");
        // Files get renamed.
        fs::rename(scratch.path("run").join(file), scratch.path("file")).unwrap();
        assert_eq!(evaluate("file")["accuracy"], accuracy, "{format}");
        scratch.succeed("export file -o back.safetensors");
        assert_eq!(network(&scratch, "back.safetensors").tensors, weights, "{format}");
        assert_eq!(train("file", format), expected, "{format}");
    }
}

#[test]
fn weights_are_exported_in_16_bits_where_that_is_asked_for() {
    let scratch = trained();
    let whole = network(&scratch, "run/checkpoints/last.safetensors");
    for (precision, name, tiny) in [(Precision::F16, "f16", "half.h5"), (Precision::Bf16, "bf16", "half.onnx")] {
        let exported = scratch.succeed(&format!("export run --precision {name} -o {tiny}")).stdout;
        assert!(exported.contains(&format!(", {name}, 0.0 MB)")), "{exported}");
        let read = network(&scratch, tiny);
        let expected = whole.rounded(precision).unwrap().into_owned();
        for tensor in &read.tensors {
            assert!(expected.tensors.contains(tensor), "{}", tensor.name);
        }
        scratch.succeed(&format!("evaluate --run {tiny} --adapter cpu"));
    }
    let exported = scratch.succeed("export run --precision bf16 -o half.safetensors").stdout;
    assert!(exported.contains("safetensors.torch.load_file"), "{exported}");
    let refused = scratch.run("export run --precision bf16 -o half.keras");
    refused.failed(2, "--precision bf16: a file of keras has no such numbers; give f16, or another format");
    assert!(!scratch.path("half.keras").exists());
}

#[test]
fn the_best_checkpoint_is_exported_where_it_is_asked_for() {
    let scratch = trained();
    let best = scratch.path("run/checkpoints/best.safetensors");
    let mut checkpoint = Checkpoint::read(&best).unwrap();
    checkpoint.tensors.iter_mut().for_each(|tensor| tensor.values.fill(0.5));
    fs::write(&best, checkpoint.encode().unwrap()).unwrap();
    for (arguments, halves) in [("--checkpoint best", true), ("--checkpoint last", false), ("", false)] {
        scratch.succeed(&format!("export run -o out.safetensors {arguments}"));
        let network = network(&scratch, "out.safetensors");
        assert_eq!(network.tensors.iter().all(|tensor| tensor.values.iter().all(|&value| value == 0.5)), halves);
    }
    scratch
        .run("export out.safetensors --checkpoint best -o o.onnx")
        .failed(2, "--checkpoint: out.safetensors is a file");
}

#[test]
fn what_cannot_be_exported_is_said() {
    let scratch = trained();
    scratch.run("export run").failed(2, "no format; give --format, one of ");
    scratch.run("export run -o tiny.pt").failed(2, "--output tiny.pt: its ending is no format's");
    scratch.run("export run/checkpoints/last.safetensors --format npz").failed(2, "give --output");
    scratch.run("export nowhere --format npz").failed(3, "nowhere: there is no such file or folder");
    scratch.run("export run -o nowhere/tiny.npz").failed(1, "nowhere/tiny.npz: cannot be written");
    assert_eq!(scratch.run("export run --format tf").code, Some(2));
    scratch.succeed("export run --format npz");
    scratch.run("evaluate --run run/tiny.npz --adapter cpu").failed(3, "written but not read");
    scratch.run("evaluate --run tiny.toml --adapter cpu").failed(
        3,
        "tiny.toml: a model's TOML file, which has no weights, not a network that can be read; give it with --model",
    );
    scratch.succeed("export run --format onnx");
    let split = scratch.run("evaluate --run run/tiny.onnx --split validation --adapter cpu");
    split.failed(2, "--split validation: run/tiny.onnx does not say which samples");
}

#[test]
fn training_starts_from_a_file() {
    let scratch = trained();
    scratch.succeed("export run -o exported.onnx");
    let train = |init: &str, run: &str| {
        let options = "--adapter cpu --batch-size 32 --epochs 1";
        scratch.succeed(&format!("train --init {init} --run-dir {run} {options}"));
        scratch.last(run)
    };
    // The file's own model is taken, or the one that is given.
    let checkpoint = train("run/checkpoints/last.safetensors", "a");
    assert_eq!(checkpoint, train("exported.onnx", "b"));
    assert_eq!(checkpoint, train("exported.onnx --model tiny.toml", "c"));
    scratch.train("--epochs 1 --run-dir glorot");
    assert_ne!(checkpoint, scratch.last("glorot"));

    // Layers without weights may be others, layers with weights not.
    let model = |from: &str, to: &str| fs::write(scratch.path("other.toml"), MODEL.replace(from, to)).unwrap();
    model("rate = 0.25", "rate = 0.5");
    train("exported.onnx --model other.toml", "d");
    model("units = 16", "units = 17");
    let other = "train --adapter cpu --batch-size 32 --run-dir e --model other.toml --init";
    let part = "exported.onnx: dense.kernel has the shape [36, 16], the model's has [36, 17]";
    scratch.run(&format!("{other} exported.onnx")).failed(3, part);
    assert!(!scratch.path("e").exists());
}

#[test]
fn another_programs_safetensors_file_takes_the_model_it_is_given() {
    let scratch = trained();
    let network = network(&scratch, "run/checkpoints/last.safetensors");
    let bytes: Vec<Vec<u8>> = network
        .tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = network.tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).unwrap();
        (tensor.name.replace('.', "/"), view)
    });
    fs::write(scratch.path("foreign.safetensors"), serialize(views, None).unwrap()).unwrap();
    let train = |init: &str| format!("train --adapter cpu --batch-size 32 --epochs 1 --init {init}");
    scratch.run(&train("foreign.safetensors --run-dir a")).failed(3, "give the --model that they are of");
    scratch.run(&train("foreign.safetensors --model cnn1 --run-dir a")).failed(3, "foreign.safetensors: ");
    scratch.succeed(&train("foreign.safetensors --model tiny.toml --run-dir a"));
    scratch.succeed(&train("run/checkpoints/last.safetensors --run-dir b"));
    assert_eq!(scratch.last("a"), scratch.last("b"));
    scratch.run("evaluate --run foreign.safetensors --adapter cpu").failed(3, "says nothing of the layers");
    let evaluate = |run: &str| scratch.succeed(&format!("evaluate --adapter cpu --json --run {run}")).json().remove(0);
    let expected = evaluate("run/checkpoints/last.safetensors");
    assert_eq!(evaluate("foreign.safetensors --model tiny.toml")["loss"], expected["loss"]);
}

/// The members of an archive, by name.
fn members(path: &Path) -> HashMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let member = |index| {
        let mut member = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        (member.name().unwrap().into_owned(), bytes)
    };
    (0..3).map(member).collect()
}

#[test]
fn keras_weights_alone_take_the_model_they_are_given() {
    let scratch = trained();
    scratch.succeed("export run -o tiny.keras");
    // Keras 3's save_weights writes what is in its archives.
    fs::write(scratch.path("tiny.weights.h5"), &members(&scratch.path("tiny.keras"))["model.weights.h5"]).unwrap();
    let evaluate = |run: &str| scratch.succeed(&format!("evaluate --adapter cpu --json --run {run}")).json().remove(0);
    assert_eq!(evaluate("tiny.weights.h5 --model tiny.toml")["loss"], evaluate("tiny.keras")["loss"]);
    scratch.succeed("export tiny.weights.h5 --model tiny.toml -o one.safetensors");
    scratch.succeed("export tiny.keras -o other.safetensors");
    assert_eq!(network(&scratch, "one.safetensors").tensors, network(&scratch, "other.safetensors").tensors);
    let train = "train --adapter cpu --batch-size 32 --epochs 1 --run-dir again --init tiny.weights.h5";
    scratch.run(train).failed(3, "tiny.weights.h5: has weights alone, without their layers; give the --model that");
    scratch.succeed(&format!("{train} --model tiny.toml"));
    let predict = |what: &str| scratch.run(&format!("predict --adapter cpu --run {what}"));
    predict("tiny.weights.h5 --model cnn1")
        .failed(3, "tiny.weights.h5: dataset 'layers/conv2d/vars/0' is f32 [3, 3, 1, 4],");
    predict("tiny.keras --model cnn1").failed(2, "--model: tiny.keras has a model of its own, which is another;");
    predict("run --model tiny.toml")
        .failed(2, "--model: run is not a file with weights alone; give one, or leave it out");
}

#[test]
fn training_says_in_one_line_what_of_a_file_it_leaves_out() {
    let scratch = trained();
    scratch.succeed("export run -o tiny.keras");
    let members = members(&scratch.path("tiny.keras"));
    let mut archive = zip::ZipWriter::new(fs::File::create(scratch.path("other.keras")).unwrap());
    for (name, bytes) in members {
        archive.start_file(&name, zip::write::SimpleFileOptions::default()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let edited = text.replace("\"units\":16", "\"units\":16,\"kernel_regularizer\":{\"class_name\":\"L2\"}");
        let edited = edited.replace("\"class_name\":\"Adam\"", "\"class_name\":\"SGD\"");
        archive.write_all(if name == "config.json" { edited.as_bytes() } else { &bytes }).unwrap();
    }
    archive.finish().unwrap();
    let said = |init: &str| {
        let train = format!("train --adapter cpu --batch-size 32 --epochs 1 --run-dir from-{init} --init {init}");
        let stderr = scratch.succeed(&train).stderr;
        stderr.lines().filter(|line| line.contains("leaves out")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(said("tiny.keras"), [""; 0]);
    let line =
        "other.keras: training leaves out layer 'dense' (Dense): kernel_regularizer; the optimizer's state (SGD)";
    assert_eq!(said("other.keras"), [line]);
    scratch.succeed("evaluate --run other.keras --adapter cpu");
}

/// With channels first and bytes that it divides itself: of each class, its bright quarter.
#[test]
fn another_programs_onnx_file_is_a_network_like_any_other() {
    let scratch = Scratch::new();
    let quarter = |place: usize| place / 32 * 2 + place % 8 / 4;
    let kernel: Vec<f32> = (0..64 * 4).map(|place| f32::from(u8::from(quarter(place / 4) == place % 4))).collect();
    let nodes = [
        weight("byte", &[], &[255.0]),
        weight("kernel", &[64, 4], &kernel),
        node("Div", &["x", "byte"], "pixels"),
        node("Flatten", &["pixels"], "flat"),
        node("Gemm", &["flat", "kernel"], "y"),
    ];
    fs::write(scratch.path("theirs.onnx"), foreign(&[1, 8, 8], &nodes)).unwrap();
    let evaluated = scratch.succeed("evaluate --run theirs.onnx --adapter cpu --json").json().remove(0);
    assert_eq!((&evaluated["model"], evaluated["accuracy"].as_f64()), (&"theirs".into(), Some(1.0)));
    scratch.succeed("export theirs.onnx -o theirs.safetensors");
    scratch
        .succeed("train --init theirs.safetensors --adapter cpu --epochs 1 --batch-size 32 --run-dir run --no-report");
    let names: Vec<String> =
        network(&scratch, "run/checkpoints/last.safetensors").tensors.into_iter().map(|tensor| tensor.name).collect();
    assert_eq!(names, ["dense.kernel"]);

    fs::write(scratch.path("other.onnx"), foreign(&[1, 8, 8], &[node("HardSigmoid", &["x"], "y")])).unwrap();
    scratch.run("evaluate --run other.onnx --adapter cpu").failed(
        3,
        "error: other.onnx: node \"y\" (HardSigmoid): this operator is unsupported; supported are Conv, Gemm",
    );
}

#[test]
fn a_hostile_file_writes_nothing() {
    let scratch = trained();
    scratch.succeed("export run -o exported.safetensors");
    let mut hostile = Checkpoint::read(&scratch.path("exported.safetensors")).unwrap();
    hostile.about = hostile.about.replace("\"name\":\"tiny\"", "\"name\":\"a/..\"");
    fs::write(scratch.path("hostile.safetensors"), hostile.encode().unwrap()).unwrap();
    let before = names(&scratch.path(""));
    for command in
        ["evaluate --adapter cpu --run", "train --adapter cpu --batch-size 32 --init", "export --format onnx"]
    {
        scratch
            .run(&format!("{command} hostile.safetensors"))
            .failed(3, "name \"a/..\" is not a part of a folder's name");
    }
    assert_eq!(names(&scratch.path("")), before);
}

/// The line that `export` prints runs as it is, on pixels as the data set has them.
#[test]
fn the_printed_line_runs_in_python() {
    let Some(python) = python("the lines that export prints in onnxruntime and NumPy") else { return };
    const SCRIPT: &str = "\
import json, sys, numpy, onnxruntime, os, safetensors.numpy
pixels = numpy.fromfile('data/t10k-images-idx3-ubyte', numpy.uint8)[16:].reshape(-1, 8, 8, 1)
answer = eval(sys.argv[1])
print(json.dumps(answer[0].tolist() if isinstance(answer, list) else sorted(answer)))";
    let scratch = trained();
    let table = scratch.succeed("predict --run run --adapter cpu").stdout;
    let cells = |line: &str| -> Vec<f64> { line.split(',').skip(3).map(|cell| cell.parse().unwrap()).collect() };
    let expected: Vec<Vec<f64>> = table.lines().skip(1).map(cells).collect();
    let names = ["conv2d/bias", "conv2d/kernel", "dense/bias", "dense/kernel", "dense_1/bias", "dense_1/kernel"];
    for file in ["tiny.onnx", "a'\"\\é.onnx", "tiny.safetensors", "tiny.npz"] {
        let mut export = scratch.command("export run -o");
        let exported = ended(export.arg(file).output().unwrap()).succeeded(file).stdout;
        let line = exported.lines().nth(1).unwrap().strip_prefix("load it in Python: ").unwrap();
        let mut command = std::process::Command::new(&python);
        command.args(["-c", SCRIPT, line]).current_dir(scratch.path(""));
        let answer = ended(command.output().unwrap()).succeeded(line).json().remove(0);
        if !file.ends_with(".onnx") {
            assert_eq!(answer, serde_json::json!(names), "{line}");
            continue;
        }
        let answer: Vec<Vec<f64>> = serde_json::from_value(answer).unwrap();
        assert_eq!(answer.len(), expected.len());
        for (answer, expected) in answer.iter().flatten().zip(expected.iter().flatten()) {
            assert!((answer - expected).abs() < 1e-5, "{line}: {answer} {expected}");
        }
    }
}

/// Neither a folder nor a pipe is waited for.
#[cfg(unix)]
#[test]
fn only_files_are_read() {
    let scratch = Scratch::new();
    assert!(std::process::Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap().success());
    for (name, problem) in [
        ("pipe", "cannot be read (not a file)"),
        ("data", "the folder of a data set, not a network that can be read; give"),
    ] {
        scratch.run(&format!("train --adapter cpu --init {name}")).failed(3, &format!("{name}: {problem}"));
    }
    for (command, problem) in [
        ("evaluate --run pipe", "pipe: cannot be read (not a file)"),
        ("train --resume pipe", "pipe: a file, not the folder of a run"),
        ("train --data-dir pipe", "pipe: a file, not a folder"),
        ("train --data-dir .", "no data set here, but one in ./data"),
    ] {
        scratch.run(&format!("{command} --adapter cpu")).failed(3, problem);
    }
    // Nor is a pipe written to in a run's folder, where nobody reads it.
    scratch.train("--epochs 1 --run-dir run -q");
    for (file, command) in [
        ("environment.json", "train --resume run --epochs 2"),
        ("config.toml", "train --resume run --epochs 2"),
        ("checkpoints/best.safetensors", "train --resume run --epochs 2"),
        ("report.html", "report run"),
        ("learning_curves.svg", "plot run"),
        ("evaluation/test/confusion_matrix.csv", "evaluate --run run"),
    ] {
        let path = scratch.path("run").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let before = fs::read(&path);
        drop(fs::remove_file(&path));
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let adapter = if command == "plot run" { "" } else { "--adapter cpu" };
        let ended = scratch.run(&format!("{command} {adapter}"));
        assert!(matches!(ended.code, Some(1 | 3)) && ended.stderr.contains("(not a file)"), "{file}: {ended:?}");
        fs::remove_file(&path).unwrap();
        before.into_iter().for_each(|bytes| fs::write(&path, bytes).unwrap());
    }
    fs::File::create(scratch.path("large")).unwrap().set_len((1 << 28) + 1).unwrap();
    scratch.run("evaluate --adapter cpu --run large").failed(3, "large: larger than the 268435456 bytes that are read");
}
