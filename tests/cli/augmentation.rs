//! `--augment`: what it changes, what it leaves as it is, and what is refused.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use gpu_fmnist::augment::{Augmentation, Flip, Pad};
use gpu_fmnist::data::Samples;
use gpu_fmnist::formats::Checkpoint;
use gpu_fmnist::gpu::Identity;
use gpu_fmnist::model;
use gpu_fmnist::recipe::Loss;
use gpu_fmnist::train::{State, Trainer};
use gpu_fmnist::{Config, Device};

use crate::support::{MODEL, Scratch};

const ALL: &str = "flip=alternating,shift=1,pad=reflect,cutout=3,random_erasing=0.25,mixup=0.2,cutmix=1";

#[test]
fn an_augmented_run_learns_records_what_befalls_its_samples_and_goes_on_to_the_bit() {
    let scratch = Scratch::new();
    scratch.train("--epochs 4 --run-dir plain");
    scratch.train(&format!("--epochs 4 --run-dir whole --augment {ALL}"));
    assert_ne!(scratch.last("plain"), scratch.last("whole"));
    scratch.train(&format!("--epochs 1 --run-dir parts --augment {ALL}"));
    scratch.succeed("train --resume parts --epochs 4 --adapter cpu");
    assert_eq!(scratch.last("parts"), scratch.last("whole"));
    scratch.train(&format!("--epochs 4 --run-dir seed --seed 1 --augment {ALL}"));
    assert_ne!(scratch.last("seed"), scratch.last("whole"));

    let config: toml::Table = fs::read_to_string(scratch.path("whole/config.toml")).unwrap().parse().unwrap();
    let augmentation = config["augmentation"].as_table().unwrap();
    assert_eq!((augmentation["flip"].as_str(), augmentation["mixup"].as_float()), (Some("alternating"), Some(0.2)));
    let plain: toml::Table = fs::read_to_string(scratch.path("plain/config.toml")).unwrap().parse().unwrap();
    assert_eq!(
        (plain["augmentation"]["flip"].as_str(), plain["augmentation"]["mixup"].as_float()),
        (Some("none"), Some(0.0))
    );
    scratch.succeed("evaluate --run whole --adapter cpu");

    let shift = "shift=1,pad=edge,cutout=2";
    let json = scratch.train(&format!("--epochs 15 --learning-rate 0.01 --json --augment {shift}")).json();
    assert!(json.last().unwrap()["test_accuracy"].as_f64().unwrap() > 0.9, "{json:?}");
}

#[test]
fn a_file_says_the_same_as_the_keys() {
    let scratch = Scratch::new();
    fs::write(scratch.path("recipe.toml"), "[augmentation]\nflip = \"horizontal\"\nshift = 1\nmixup = 1\n").unwrap();
    scratch.train("--epochs 1 --run-dir file --augment recipe.toml");
    scratch.train("--epochs 1 --run-dir keys --augment flip=horizontal,shift=1,mixup=1");
    assert_eq!(scratch.last("file"), scratch.last("keys"));
    let folds = "kfold --model tiny.toml --adapter cpu --batch-size 32 --folds 2 --epochs 1 --run-dir";
    scratch.succeed(&format!("{folds} folds --augment recipe.toml"));
    let config = fs::read_to_string(scratch.path("folds/fold-2/config.toml")).unwrap();
    assert!(config.contains("[augmentation]\nflip = \"horizontal\"\nshift = 1\n"), "{config}");
}

#[test]
fn what_cannot_befall_a_sample_is_refused_in_one_line() {
    let scratch = Scratch::new();
    fs::write(scratch.path("none.toml"), "input = [1, 1, 1]\n").unwrap();
    fs::write(scratch.path("wrong.toml"), "[augmentation]\nshift = \"far\"\n").unwrap();
    let train = "train --model tiny.toml --adapter cpu --augment";
    for (augment, part) in [
        ("shift=8", "shift is 8: moves images of 8 x 8 away; give at most 7"),
        ("cutout=16", "cutout is 16: leaves nothing of images of 8 x 8; give at most 15"),
        ("random_erasing=1.5", "random_erasing is 1.5: no probability; give 0 to 1"),
        ("mixup=-1", "mixup is -1: no alpha of Beta(alpha, alpha); give 0.001 to 1000, or 0 for none"),
        ("cutmix=nan", "cutmix is NaN: no alpha"),
        ("flip=vertical", "flip is \"vertical\"; give \"none\" or \"horizontal\" or \"alternating\""),
        ("shift=-1", "shift is -1; give a whole number, 0 or more"),
        ("padding=edge", "unknown key \"padding\"; there are flip, shift, pad, cutout"),
        ("flip", "'flip' is no KEY=VALUE"),
        ("nowhere.toml", "nowhere.toml: "),
        ("none.toml", "none.toml: no [augmentation]; write one"),
        ("wrong.toml", "wrong.toml: [augmentation]: shift is \"far\"; give a whole number, 0 or more"),
        ("data", "--augment data: "),
    ] {
        scratch.run(&format!("{train} {augment}")).failed(2, part);
    }
    assert!(!scratch.path("runs").exists());
    scratch.train("--epochs 1 --run-dir run");
    assert_eq!(scratch.run("train --resume run --epochs 2 --adapter cpu --augment shift=1").code, Some(2));
}

#[test]
fn a_grid_shows_samples_and_what_befalls_them() {
    let scratch = Scratch::new();
    let grid = |arguments: &str| scratch.succeed(&format!("data grid -o grid.png {arguments}"));
    grid("--rows 3 --columns 1 --seed 4");
    let plain = fs::read(scratch.path("grid.png")).unwrap();
    assert_eq!(grid(&format!("--rows 3 --columns 5 --seed 4 --augment {ALL}")).stdout, "wrote grid.png\n");
    let augmented = fs::read(scratch.path("grid.png")).unwrap();
    assert_ne!(plain, augmented);
    grid(&format!("--rows 3 --columns 5 --seed 4 --augment {ALL}"));
    assert_eq!(fs::read(scratch.path("grid.png")).unwrap(), augmented);
    scratch.succeed("data grid -o grid.svg --augment cutmix=1 --rows 2");
    let svg = fs::read_to_string(scratch.path("grid.svg")).unwrap();
    assert!(svg.contains("epoch 7") && !svg.contains("epoch 8") && svg.contains(" % "), "seven epochs by default");
    scratch.run("data grid --augment shift=8").failed(2, "shift is 8: moves images of 8 x 8 away");
    scratch.run("data grid --augment shift=1 --columns 1").failed(2, "--columns 1: shows no epoch; give 2 or more");
}

fn samples() -> Samples {
    let byte = |place: usize| (place.wrapping_mul(0x9E37_79B9) >> 11) as u8;
    let (images, labels) = ((0..90 * 64).map(byte).collect(), (0..90).map(|at| at % 4).collect());
    Samples { images, labels, shape: [8, 8, 1] }
}

fn trainer(samples: &Samples, state: State) -> Trainer<'_> {
    Device::Cpu.trainer(state, samples.into()).unwrap()
}

/// A run that ends within an epoch, and one that goes on from there.
#[test]
fn within_an_epoch_a_run_goes_on_to_the_bit() {
    let augmentation = Augmentation {
        flip: Flip::Horizontal,
        shift: 2,
        pad: Pad::Edge,
        mixup: 0.3,
        cutmix: 1.0,
        ..Default::default()
    };
    let (model, _) = model::parse("tiny", MODEL).unwrap();
    let loss = Loss { label_smoothing: 0.1 };
    let config = Config { epochs: 2, batch_size: 10, augmentation, loss, model, ..Config::default() };
    let (samples, path) = (samples(), Path::new("checkpoint"));
    let state = State::new(config, Vec::new(), Identity::cpu());
    let mut whole = trainer(&samples, state.clone());
    let mut all = &mut |_| ControlFlow::Continue(());
    while !whole.state().is_complete() {
        whole.epoch(&mut all).unwrap();
    }
    let mut parts = trainer(&samples, state);
    let mut stops = 0;
    while !parts.state().is_complete() {
        // An engine's first submission has one batch.
        let finished = parts.epoch(&mut |_| ControlFlow::Break(()));
        stops += usize::from(finished.unwrap().is_none());
        let checkpoint = parts.checkpoint().unwrap();
        parts = trainer(&samples, State::parse(&checkpoint, path).unwrap());
        parts.go_on_from(&checkpoint, path).unwrap();
    }
    assert_eq!(stops, 2 * 7, "runs that ended within an epoch");
    let tensors = |trainer: &mut Trainer| -> Vec<Vec<f32>> {
        let Checkpoint { tensors, .. } = trainer.checkpoint().unwrap();
        tensors.into_iter().map(|tensor| tensor.values).collect()
    };
    assert!(tensors(&mut parts) == tensors(&mut whole));
    assert_eq!(parts.state().history, whole.state().history);
}
