//! Checkpoints as files: what is in them, what is refused, and what is left when they cannot be written.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Dataset;
use gpu_fmnist::formats::Checkpoint;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Identity;
use gpu_fmnist::model::by_name_or_file;
use gpu_fmnist::plan::{Options, lower};
use gpu_fmnist::train::{Config, EarlyStopping, Monitor, Placement, Schedule, Source, State, Trainer};

#[cfg(unix)]
use crate::support::ended;
use crate::support::{MODEL, Scratch, names};

fn trainer<'a>(dataset: &'a Dataset, state: State) -> Trainer<'a> {
    let source = Source { parts: [&dataset.train, &dataset.test] };
    let Config { batch_size, tiles, model, .. } = &state.config;
    let options = Options::new(*batch_size, tiles.clone(), source.len());
    let plan = lower(model, options).unwrap();
    Trainer::new(state, Box::new(Cpu::new(plan).unwrap()), source, Placement::Resident).unwrap()
}

/// Trains two epochs, stopping at every chance there is in the first one.
#[test]
fn a_run_stopped_after_any_submission_goes_on_to_the_bit() {
    let scratch = Scratch::new();
    let dataset = Dataset::load(&scratch.path("data")).unwrap();
    let (model, _) = by_name_or_file(&scratch.path("tiny.toml")).unwrap();
    let config = Config {
        epochs: 2,
        batch_size: 7,
        learning_rate: 1e-3,
        schedule: Schedule::Cosine,
        warm_up_epochs: 1,
        monitor: Monitor::ValLoss,
        seed: 3,
        split_seed: 2020,
        validation_fraction: 0.2,
        fold: None,
        shuffle: true,
        early_stopping: Some(EarlyStopping {
            min_delta: 0.0,
            patience: 2,
            baseline: None,
            start_from_epoch: 0,
            restore_best_weights: true,
        }),
        reduce_lr_on_plateau: None,
        tiles: DeviceClass::Cpu.into(),
        model,
    };
    let start = || State::new(config.clone(), Vec::new(), Identity::cpu());
    let mut whole = trainer(&dataset, start());
    for _ in 0..2 {
        whole.epoch(&mut |_| ControlFlow::Continue(())).unwrap().unwrap();
    }
    let expected = whole.checkpoint().unwrap().encode().unwrap();

    let path = scratch.path("stopped.safetensors");
    let mut state = start();
    let mut resumed = trainer(&dataset, state.clone());
    let mut stops = 0;
    while resumed.state().epoch < 2 {
        if resumed.epoch(&mut |_| ControlFlow::Break(())).unwrap().is_some() {
            continue;
        }
        stops += 1;
        fs::write(&path, resumed.checkpoint().unwrap().encode().unwrap()).unwrap();
        let checkpoint = Checkpoint::read(&path).unwrap();
        state = State::parse(&checkpoint, &path).unwrap();
        resumed = trainer(&dataset, state.clone());
        resumed.go_on_from(&checkpoint, &path).unwrap();
    }
    assert!(stops > 4, "stopped {stops} times");
    assert!(resumed.checkpoint().unwrap().encode().unwrap() == expected, "the runs differ");
}

#[test]
fn tensors_have_keras_shapes() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    let checkpoint = Checkpoint::read(&scratch.path("run/checkpoints/last.safetensors")).unwrap();
    let shape = |name: &str| checkpoint.tensors.iter().find(|tensor| tensor.name == name).unwrap().shape.clone();
    assert_eq!(shape("conv2d.kernel"), [3, 3, 1, 4]);
    assert_eq!(shape("conv2d.bias"), [4]);
    assert_eq!(shape("dense.kernel.first_moment"), [36, 16]);
    assert_eq!(shape("dense_1.bias.second_moment"), [4]);
    assert_eq!(checkpoint.tensors.len(), 3 * 6);
    let about: serde_json::Value = serde_json::from_str(&checkpoint.about).unwrap();
    assert_eq!((&about["format_version"], &about["epoch"], &about["time"]), (&3.into(), &1.into(), &8.into()));
}

#[test]
fn other_models_and_damaged_files_are_refused() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    let last = scratch.path("run/checkpoints/last.safetensors");
    let bytes = fs::read(&last).unwrap();
    let init = |model: &str, part: &str| {
        fs::write(scratch.path("other.toml"), model).unwrap();
        let init = "--init run/checkpoints/last.safetensors";
        scratch.run(&format!("train --model other.toml --adapter cpu --batch-size 32 {init}")).failed(3, part);
    };
    init(&MODEL.replace("units = 16", "units = 17"), "dense.kernel has the shape [36, 16], the model's has [36, 17]");
    init(
        &MODEL.replace(
            "    { type = \"conv2d\"",
            "    { type = \"conv2d\", filters = 4, kernel = 1 },\n    { type = \"conv2d\"",
        ),
        "conv2d.kernel has the shape",
    );
    let flat = "input = [8, 8, 1]\nlayers = [{ type = \"flatten\" }, { type = \"dense\", units = 4 }]";
    init(flat, "dense.kernel has the shape");
    assert!(!scratch.path("runs").exists());

    for (damaged, part) in [
        (&bytes[..bytes.len() - 1], "not a whole safetensors file"),
        (&b""[..], "not a whole safetensors file"),
        (&b"\x02\0\0\0\0\0\0\0{}"[..], "no 'gpu-fmnist'"),
    ] {
        fs::write(&last, damaged).unwrap();
        scratch.run("evaluate --run run --adapter cpu").failed(3, part);
        scratch.run("train --resume run --epochs 2 --adapter cpu").failed(3, part);
    }
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&last, flipped).unwrap();
    scratch.run("train --resume run --epochs 2 --adapter cpu").failed(3, "damaged: the SHA-256 of its contents is ");
    altered(&last, &bytes, "\"format_version\":3", "\"format_version\":2");
    scratch.run("evaluate --run run --adapter cpu").failed(3, "format_version is 2, this program reads 3");
    altered(&last, &bytes, "\"batch_size\":32", "\"batch_size\":00");
    scratch.run("evaluate --run run --adapter cpu").failed(3, "garbled");
    altered(&last, &bytes, "\"step\":0", "\"step\":7");
    scratch.run("train --resume run --epochs 2 --adapter cpu").failed(3, "step 7");
    altered(&last, &bytes, "\"units\":16", "\"units\":99");
    scratch.run("evaluate --run run --adapter cpu").failed(3, "dense.kernel");
}

/// Writes the checkpoint with one text in what it says about itself exchanged for another.
fn altered(path: &Path, bytes: &[u8], from: &str, to: &str) {
    fs::write(path, bytes).unwrap();
    let mut checkpoint = Checkpoint::read(path).unwrap();
    assert!(checkpoint.about.contains(from), "no {from} in {}", checkpoint.about);
    checkpoint.about = checkpoint.about.replace(from, to);
    fs::write(path, checkpoint.encode().unwrap()).unwrap();
}

/// A limit on the size of files stands for the full disk: writing fails half-way in both.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_good_checkpoint() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    let (before, files) = (scratch.last("run"), names(&scratch.path("run/checkpoints")));
    let limited = |arguments: &str| {
        let mut command = std::process::Command::new("bash");
        let program = scratch.command(arguments);
        command.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "bash"]);
        command.arg(program.get_program()).args(program.get_args()).current_dir(scratch.path(""));
        for (variable, value) in program.get_envs() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        ended(command.output().unwrap())
    };
    let full = limited("train --resume run --epochs 2 --adapter cpu");
    full.failed(1, ".safetensors: cannot be written");
    assert!(!full.stderr.contains(".part"), "{full:?}");
    assert_eq!(scratch.last("run"), before);
    assert_eq!(names(&scratch.path("run/checkpoints")), files);
    // Room again: the run goes on as if there had always been some.
    scratch.succeed("train --resume run --epochs 2 --adapter cpu");
    scratch.train("--epochs 2 --run-dir whole");
    assert!(scratch.last("run") == scratch.last("whole"), "the runs differ");
    limited("train --model tiny.toml --adapter cpu --batch-size 32 --run-dir new").failed(1, "new/checkpoints/");
    assert!(!scratch.path("new").exists(), "half a run is left");
}

#[test]
fn a_diverged_run_keeps_the_last_good_checkpoint() {
    let scratch = Scratch::new();
    let ended = scratch.run("train --model tiny.toml --adapter cpu --batch-size 32 --learning-rate 1e38 --run-dir run");
    ended.failed(6, "--learning-rate");
    // Of its beginning.
    assert_eq!(names(&scratch.path("run/checkpoints")), ["last.safetensors"]);
    scratch.run("train --resume run --adapter cpu").failed(6, "--learning-rate");

    // A good first epoch, then a second one at a rate that no run survives.
    scratch.train("--epochs 1 --run-dir later");
    let best = scratch.path("later/checkpoints/best.safetensors");
    let (last, bytes) = (best.with_file_name("last.safetensors"), scratch.last("later"));
    altered(&last, &bytes, "\"learning_rate\":0.001", "\"learning_rate\":1e+38");
    let before = [fs::read(&last).unwrap(), fs::read(&best).unwrap()];
    scratch.run("train --resume later --epochs 2 --adapter cpu").failed(6, "--learning-rate");
    assert!([fs::read(&last).unwrap(), fs::read(&best).unwrap()] == before, "the checkpoints are others");
    assert_eq!(names(&scratch.path("later/checkpoints")), ["best.safetensors", "last.safetensors"]);
    assert_eq!(fs::read_to_string(scratch.path("later/metrics.csv")).unwrap().lines().count(), 2);
}

/// Weights that are numbers may still give a loss that is none.
#[test]
fn a_loss_that_is_no_number_is_not_reported() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    let path = scratch.path("run/checkpoints/last.safetensors");
    let mut checkpoint = Checkpoint::read(&path).unwrap();
    for tensor in &mut checkpoint.tensors {
        tensor.values.fill(1e38);
    }
    fs::write(&path, checkpoint.encode().unwrap()).unwrap();
    scratch.run("evaluate --run run --adapter cpu").failed(6, "the loss is ");
    scratch.run("train --resume run --adapter cpu").failed(6, "the loss is ");
}
