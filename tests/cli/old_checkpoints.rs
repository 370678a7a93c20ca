//! Checkpoints that earlier versions wrote, and how those versions went on from them: this one goes on the same way.
//!
//! Each folder of `old_checkpoints/` has a run after three epochs and after six, as the version wrote them that had the
//! named field not yet, or first:
//!
//!     gpu-fmnist train --model small.toml --adapter cpu --batch-size 600 --epochs 3 --seed 5 --learning-rate 0.01 \
//!         --early-stopping --patience 3 --restore-best-weights --run-dir run
//!     gpu-fmnist train --resume run --epochs 6 --adapter cpu
//!
//! over the data of [`Scratch::with_images`], with `--class-names` where it has names and `--micro-batch 250` where it
//! has that, with a learning rate's schedule where it has a cosine. A batch of 600 is more than a micro-batch of any version has rows.

use std::fs;
use std::path::Path;

use gpu_fmnist::Device;
use gpu_fmnist::data::Dataset;
use gpu_fmnist::formats::{Checkpoint, Tensor};
use gpu_fmnist::train::{Source, State};

use crate::skips::skip;
use crate::support::Scratch;

const MODEL: &str = r#"
input = [8, 8, 1]
layers = [
    { type = "conv2d", filters = 2, kernel = 3, activation = "relu" },
    { type = "max_pool2d", size = 2 },
    { type = "flatten" },
    { type = "dense", units = 6, activation = "relu" },
    { type = "dropout", rate = 0.25 },
    { type = "dense", units = 4 },
]
"#;

fn tensors(path: &Path) -> Vec<Tensor> {
    Checkpoint::read(path).unwrap().tensors
}

fn bits(tensors: &[Tensor]) -> Vec<(&str, &[usize], Vec<u32>)> {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice(), bits(&tensor.values))).collect()
}

/// The run that a checkpoint is of, at its beginning.
fn begin_anew(path: &Path, scratch: &Scratch) {
    let of = State::parse(&Checkpoint::read(path).unwrap(), path).unwrap();
    let dataset = Dataset::load(&scratch.path("data")).unwrap();
    let state = State::new(of.config, of.data, of.adapter);
    let beginning = Device::Cpu.trainer(state, Source::from(&dataset)).unwrap().checkpoint().unwrap();
    fs::create_dir_all(scratch.path("anew/checkpoints")).unwrap();
    fs::write(scratch.path("anew/checkpoints/last.safetensors"), beginning.encode().unwrap()).unwrap();
}

/// Goes on from a folder's run, of which `micro_batch` is known by now.
fn goes_on(folder: &str, micro_batch: usize) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/old_checkpoints").join(folder);
    let scratch = Scratch::with_images(1500);
    fs::write(scratch.path("small.toml"), MODEL).unwrap();
    let last = scratch.path("run/checkpoints/last.safetensors");
    fs::create_dir_all(last.parent().unwrap()).unwrap();
    fs::copy(kept.join("begun.safetensors"), &last).unwrap();
    scratch.succeed("train --resume run --epochs 6 --adapter cpu --data-dir data --no-report");
    let (ours, theirs) = (tensors(&last), tensors(&kept.join("ended.safetensors")));

    let about: serde_json::Value = serde_json::from_str(&Checkpoint::read(&last).unwrap().about).unwrap();
    let config = &about["config"];
    assert_eq!((&config["micro_batch"], &config["gradient_order"]), (&micro_batch.into(), &"sequential".into()));
    scratch.succeed("evaluate --run run --adapter cpu --data-dir data");

    // Another processor or mathematical library may round otherwise: then the run's beginning is another here, too.
    begin_anew(&kept.join("begun.safetensors"), &scratch);
    scratch.succeed("train --resume anew --epochs 3 --adapter cpu --data-dir data --no-report");
    let anew = tensors(&scratch.path("anew/checkpoints/last.safetensors"));
    if bits(&anew) == bits(&tensors(&kept.join("begun.safetensors"))) {
        assert!(bits(&ours) == bits(&theirs), "{folder}: goes on otherwise than it did");
    } else {
        skip(&format!("{folder}: this machine rounds otherwise than the one that began it; near is all it can be"));
    }
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!((&ours.name, &ours.shape), (&theirs.name, &theirs.shape));
        let near = |(one, other): (&f32, &f32)| (one - other).abs() <= 0.02;
        assert!(ours.values.iter().zip(&theirs.values).all(near), "{folder}: {} is far off", ours.name);
    }
}

#[test]
fn a_run_from_before_pictures_were_framed_goes_on() {
    goes_on("without_framing", 512);
}

#[test]
fn a_run_from_before_micro_batches_were_recorded_goes_on() {
    goes_on("without_micro_batch", 512);
}

#[test]
fn a_run_with_its_own_micro_batches_goes_on() {
    goes_on("with_micro_batch", 250);
}

#[test]
fn a_run_from_before_model_files_had_schedules_goes_on_with_its_own() {
    goes_on("with_cosine", 512);
}
