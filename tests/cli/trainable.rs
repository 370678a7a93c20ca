//! `trainable = false`: what is counted, kept and refused.

use std::fs;

use gpu_fmnist::formats::{Checkpoint, Format, read};

use crate::support::Scratch;

const MODEL: &str = r#"
input = [8, 8, 1]
layers = [
    { type = "conv2d", filters = 4, kernel = 3, kernel_initializer = "whitening", trainable = false },
    { type = "batch_normalization", trainable = false },
    { type = "conv2d", filters = 6, kernel = 3, activation = "relu" },
    { type = "batch_normalization" },
    { type = "flatten" },
    { type = "dense", units = 4 },
]

[optimizer]
type = "sgd"
momentum = 0.9
weight_decay = 1e-3
ema_momentum = 0.9
global_clipnorm = 1.0
"#;

const TRAIN: &str = "train --model frozen.toml --adapter cpu --batch-size 32 --no-report -q";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("frozen.toml"), MODEL).unwrap();
    scratch
}

/// The names of a file's tensors with their values.
fn tensors(scratch: &Scratch, run: &str) -> Vec<(String, Vec<f32>)> {
    let path = scratch.path(run).join("checkpoints/last.safetensors");
    let tensors = Checkpoint::read(&path).unwrap().tensors.into_iter();
    tensors.map(|tensor| (tensor.name, tensor.values)).collect()
}

#[test]
fn what_is_not_trained_is_counted_apart() {
    let summary = scratch().succeed("summary --model frozen.toml").stdout;
    // 40 of the convolution, 16 of its normalisation, and the moving averages of the other one.
    for line in ["Trainable params: 622 (2.43 KB)", "Non-trainable params: 68 (272.00 B)"] {
        assert!(summary.contains(line), "no '{line}' in: {summary}");
    }
    let all = scratch().succeed("summary --model frozen.toml --set layers.conv2d.trainable=true").stdout;
    assert!(all.contains("Non-trainable params: 28 (112.00 B)"), "{all}");
}

#[test]
fn a_run_leaves_it_alone_and_resumes_to_the_bit() {
    let scratch = scratch();
    scratch.succeed(&format!("{TRAIN} --epochs 2 --run-dir straight"));
    scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir resumed"));
    let one = tensors(&scratch, "resumed");
    scratch.succeed("train --resume resumed --epochs 2 --adapter cpu --no-report -q");
    assert!(scratch.last("straight") == scratch.last("resumed"), "another checkpoint");
    let two = tensors(&scratch, "straight");
    for ((name, one), (_, two)) in one.iter().zip(&two) {
        let is_fixed = name.starts_with("conv2d.") || name.starts_with("batch_normalization.");
        assert_eq!(one == two, is_fixed, "{name}");
    }
    let of = |layer: &str| two.iter().filter(|(name, _)| name.starts_with(layer)).count();
    // Values alone; of the others velocities and averages, too.
    assert_eq!([of("conv2d."), of("batch_normalization."), of("conv2d_1.")], [2, 4, 6]);
    let config = fs::read_to_string(scratch.path("straight/config.toml")).unwrap();
    assert_eq!(config.matches("trainable = false").count(), 2, "{config}");
}

#[test]
fn formats_carry_it_and_networks_predict_the_same() {
    let scratch = scratch();
    scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir run"));
    let metrics = |of: &str| scratch.succeed(&format!("evaluate --run {of} --adapter cpu --json")).json().remove(0);
    let own = metrics("run")["accuracy"].clone();
    for format in ["onnx", "safetensors", "h5", "keras"] {
        scratch.succeed(&format!("export run -o a.{format}"));
        assert_eq!(metrics(&format!("a.{format}"))["accuracy"], own, "{format}");
        scratch.succeed(&format!("{TRAIN} --init a.{format} --epochs 1 --run-dir from_{format}"));
        let after = tensors(&scratch, &format!("from_{format}"));
        let before = tensors(&scratch, "run");
        let kernel = |of: &[(String, Vec<f32>)]| of.iter().find(|(name, _)| name == "conv2d.kernel").unwrap().1.clone();
        assert!(kernel(&before) == kernel(&after), "{format}");
    }
    // Only Keras' files say it, beside those that have our model.
    scratch.succeed("export a.keras -o again.safetensors");
    let text = String::from_utf8_lossy(&fs::read(scratch.path("again.safetensors")).unwrap()).into_owned();
    assert_eq!(text.matches("trainable").count(), 2);
}

#[test]
fn training_nothing_is_refused_but_nothing_else_is() {
    let scratch = scratch();
    let all: String = ["conv2d_1", "batch_normalization_1", "dense"]
        .map(|layer| format!(" --set layers.{layer}.trainable=false"))
        .concat();
    let refused = scratch.run(&format!("{TRAIN}{all}"));
    refused.failed(2, "model 'frozen': no layer is trained; take trainable = false out of one with weights");
    scratch
        .run("summary --model frozen.toml --set layers.dense.trainable=no")
        .failed(2, "trainable is \"no\"; give true");
    scratch
        .run("summary --model frozen.toml --set layers.dense.trainabel=true")
        .failed(2, "(did you mean \"trainable\"?)");
    // One that was saved so still predicts.
    scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir run"));
    scratch.succeed("export run -o trained.safetensors");
    let mut network = read(&scratch.path("trained.safetensors"), None).unwrap();
    network.model.layers.iter_mut().for_each(|node| node.trainable = false);
    fs::write(scratch.path("frozen.safetensors"), Format::Safetensors.encode(&network).unwrap()).unwrap();
    let metrics = |of: &str| scratch.succeed(&format!("evaluate --run {of} --adapter cpu --json")).json().remove(0);
    assert_eq!(metrics("frozen.safetensors")["loss"], metrics("trained.safetensors")["loss"]);
}
