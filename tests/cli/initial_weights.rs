//! How kernels begin, as a model file says it.

use std::fs;

use gpu_fmnist::formats::Checkpoint;

use crate::support::Scratch;

/// A kernel of each kind over the small data set's images.
const MODEL: &str = r#"
input = [8, 8, 1]
layers = [
    { type = "rescaling", scale = 2.0, offset = -0.5 },
    { type = "conv2d", filters = 8, kernel = 2, kernel_initializer = "whitening" },
    { type = "conv2d", filters = 12, kernel = 3, kernel_initializer = "dirac", padding = "same" },
    { type = "depthwise_conv2d", kernel = 3, kernel_initializer = "he_uniform" },
    { type = "conv2d", filters = 4, kernel = 1, kernel_initializer = "glorot_normal" },
    { type = "flatten" },
    { type = "dense", units = 16, kernel_initializer = "he_normal" },
    { type = "dense", units = 4, kernel_initializer = "zeros" },
]
"#;

const TRAIN: &str = "train --model begun.toml --adapter cpu --batch-size 32 --no-report -q";

/// Too small a rate to move a weight that is not 0.
const STILL: &str = "--epochs 1 --learning-rate 1e-30";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("begun.toml"), MODEL).unwrap();
    scratch
}

/// A kernel of a run's last checkpoint.
fn kernel(scratch: &Scratch, run: &str, layer: &str) -> Vec<f32> {
    let checkpoint = Checkpoint::read(&scratch.path(run).join("checkpoints/last.safetensors")).unwrap();
    let name = format!("{layer}.kernel");
    checkpoint.tensors.into_iter().find(|tensor| tensor.name == name).unwrap().values
}

#[test]
fn each_kernel_begins_as_its_layer_says() {
    let scratch = scratch();
    scratch.succeed(&format!("{TRAIN} {STILL} --run-dir run"));
    let of = |layer: &str| kernel(&scratch, "run", layer);
    let whitening = of("conv2d");
    for place in 0..4 {
        (0..4).for_each(|filter| assert_eq!(whitening[place * 8 + filter], -whitening[place * 8 + 4 + filter]));
    }
    assert!(whitening.iter().all(|value| value.abs() > 1e-3), "{whitening:?}");
    // [3, 3, 8, 12]: a one for each channel, zeros around it.
    let dirac = of("conv2d_1");
    let is_one = |at: usize| at / 96 == 4 && at / 12 % 8 == at % 12;
    let first = |at: &usize| at % 12 < 8;
    assert!((0..864).filter(first).all(|at| dirac[at] == if is_one(at) { 1.0 } else { 0.0 }));
    let limit = (6.0_f32 / (9.0 * 20.0)).sqrt();
    assert!((0..864).filter(|at| !first(at)).all(|at| dirac[at] != 0.0 && dirac[at].abs() <= limit));
    let most = |layer: &str| of(layer).iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    assert!((0.7..=1.0).contains(&(most("depthwise_conv2d") / (6.0_f32 / 72.0).sqrt())));
    assert!((0.8..=1.0).contains(&(most("conv2d_2") / (2.0 * (2.0_f32 / 12.0).sqrt() / 0.8796))));
    assert!((0.9..=1.0).contains(&(most("dense") / (2.0 * (2.0_f32 / 100.0).sqrt() / 0.8796))));
    assert!(of("dense_1").iter().all(|value| value.abs() < 1e-20));
    // Another one moves no other kernel's draws.
    scratch.succeed(&format!("{TRAIN} {STILL} --run-dir other --set layers.conv2d_2.kernel_initializer=zeros"));
    assert_eq!(kernel(&scratch, "other", "dense"), of("dense"));
    assert_ne!(kernel(&scratch, "other", "conv2d_2"), of("conv2d_2"));
}

#[test]
fn a_run_keeps_them_and_resumes_to_the_bit() {
    let scratch = scratch();
    scratch.succeed(&format!("{TRAIN} --epochs 2 --run-dir straight"));
    scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir resumed"));
    scratch.succeed("train --resume resumed --epochs 2 --adapter cpu --no-report -q");
    assert!(scratch.last("straight") == scratch.last("resumed"), "another checkpoint");
    let config = fs::read_to_string(scratch.path("straight/config.toml")).unwrap();
    assert!(config.contains("kernel_initializer = \"whitening\""), "{config}");
    // What is set is what a file may say.
    fs::write(scratch.path("set.toml"), MODEL.replace("\"he_normal\"", "\"glorot_uniform\"")).unwrap();
    let train = TRAIN.replace("begun", "set");
    scratch.succeed(&format!(
        "{train} --epochs 2 --run-dir set --set layers.dense.kernel_initializer=he_normal --set name=begun"
    ));
    assert!(scratch.last("straight") == scratch.last("set"), "another checkpoint");
}

/// Without the data set, too: a benchmark's images are random.
#[test]
fn what_needs_no_training_goes_on_as_ever() {
    let scratch = scratch();
    assert!(scratch.succeed("summary --model begun.toml").stdout.contains("Total params:"));
    scratch.succeed("bench --model begun.toml --adapter cpu --batch-size 8 --steps 1");
    scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir run"));
    for format in ["onnx", "safetensors", "h5", "keras"] {
        scratch.succeed(&format!("export run -o a.{format}"));
        let metrics = |of: &str| scratch.succeed(&format!("evaluate {of} --adapter cpu --json")).json();
        let [own, exported] = [metrics("--run run"), metrics(&format!("--run a.{format}"))];
        assert_eq!(own[0]["accuracy"], exported[0]["accuracy"], "{format}");
    }
}

#[test]
fn what_cannot_begin_so_is_refused() {
    let scratch = scratch();
    for (setting, part) in [
        (
            "layers.dense.kernel_initializer=he_norm",
            "layer 7 (dense): kernel_initializer is \"he_norm\" (did you mean \"he_normal\"?); give \"glorot_uniform\" or ",
        ),
        (
            "layers.flatten.kernel_initializer=zeros",
            "layer 6 (flatten): unknown key \"kernel_initializer\"; there are type, name, inputs",
        ),
        ("layers.dense.kernel_initializer=whitening", "layer 7 (dense): kernel_initializer is \"whitening\"; give"),
        (
            "layers.conv2d_1.kernel_initializer=whitening",
            "layer 3 (conv2d): kernel_initializer is whitening, which is of the images: only a layer that reads them",
        ),
        (
            "layers.conv2d.filters=10",
            "layer 2 (conv2d): whitening of patches of 4 values makes an even number of filters, 8",
        ),
        ("layers.conv2d.whitening_epsilon=-1", "layer 2 (conv2d): whitening_epsilon is -1; give a positive number"),
        ("layers.conv2d_1.whitening_epsilon=0.1", "layer 3 (conv2d): whitening_epsilon is of the kernel_initializer"),
    ] {
        let ended = scratch.run(&format!("summary --model begun.toml --set {setting}"));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(part) && ended.stderr.lines().count() == 1, "no '{part}' in: {}", ended.stderr);
    }
}
