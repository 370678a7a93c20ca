//! Data sets of a few samples: no default is too large for them, and what shrinks is said in one line.

use std::fs;
use std::path::Path;

use crate::support::{Ended, IMAGES, LABELS, Scratch, idx};

/// A scratch folder whose data set has samples of these classes, to train and to test with.
fn scratch(train: &[u8], test: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    let write = |folder: &Path, images: &str, labels: &str, classes: &[u8]| {
        let pixels = classes.iter().enumerate().flat_map(|(sample, &class)| {
            (0..64).map(move |place| {
                (sample * 64 + place * 7) as u8 % 60 + if place / 16 == usize::from(class) { 180 } else { 0 }
            })
        });
        fs::write(folder.join(images), idx(0x0803, &[classes.len(), 8, 8], pixels)).unwrap();
        fs::write(folder.join(labels), idx(0x0801, &[classes.len()], classes.iter().copied())).unwrap();
    };
    let data = scratch.path("data");
    write(&data, IMAGES, LABELS, train);
    write(&data, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", test);
    scratch
}

/// The lines that say what is less than by default.
fn shrunk(ended: &Ended) -> Vec<&str> {
    ended.stderr.lines().filter(|line| line.contains(" instead of ")).collect()
}

const TRAIN: &str = "train --model tiny.toml --adapter cpu --epochs 2 --run-dir";

#[test]
fn the_default_batch_is_no_larger_than_the_samples() {
    let scratch = Scratch::new();
    let ended = scratch.succeed(&format!("{TRAIN} one"));
    let said = "--batch-size 240 instead of 512: there are no more samples to train with";
    assert_eq!(shrunk(&ended), [said]);
    assert!(fs::read_to_string(scratch.path("one/config.toml")).unwrap().contains("batch_size = 240"));
    let asked_for = scratch.succeed(&format!("{TRAIN} other --batch-size 240"));
    assert_eq!(shrunk(&asked_for), [""; 0]);
    assert_eq!(scratch.last("one"), scratch.last("other"));
    let part = "--batch-size 241: only 240 samples to train with; give at most 240";
    scratch.run(&format!("{TRAIN} third --batch-size 241")).failed(2, part);
    let folds = "kfold --model tiny.toml --adapter cpu --epochs 1 --folds 7 --run-dir folds";
    let ended = scratch.succeed(folds);
    assert_eq!(shrunk(&ended), ["--batch-size 257 instead of 512: there are no more samples to train with"]);
    scratch.run(&format!("{folds}2 --batch-size 258")).failed(2, "--batch-size 258: only 257 samples");
    // With enough of them, the default is what it was.
    let scratch = Scratch::with_images(640);
    assert_eq!(shrunk(&scratch.succeed(&format!("{TRAIN} run"))), [""; 0]);
    assert!(fs::read_to_string(scratch.path("run/config.toml")).unwrap().contains("batch_size = 512"));
}

#[test]
fn no_command_is_stopped_by_a_default() {
    let unbalanced = [&[0; 40][..], &[1, 2, 3]].concat();
    let cases: [(&str, &[u8], &[u8]); 5] = [
        ("two", &[0, 1], &[0]),
        ("tiny", &[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], &[2]),
        ("one class", &[3; 30], &[3; 10]),
        ("unbalanced", &unbalanced, &[0, 1]),
        ("missing in test", &[0, 1, 2, 3].repeat(10), &[0, 2, 2, 0, 2]),
    ];
    for (name, train, test) in cases {
        let scratch = scratch(train, test);
        let succeed = |arguments: &str| {
            let ended = scratch.succeed(arguments);
            assert!(
                !ended.stdout.contains("NaN") && !ended.stdout.contains("failed"),
                "{name}: {arguments}: {ended:?}"
            );
            ended
        };
        succeed(&format!("{TRAIN} run"));
        for split in ["test", "validation", "train"] {
            succeed(&format!("evaluate --run run --adapter cpu --split {split}"));
            succeed(&format!("predict --run run --adapter cpu --split {split} --grid grid.png"));
        }
        for arguments in [
            "report run --adapter cpu",
            "plot run",
            "export run -o n.onnx",
            "evaluate --run n.onnx --adapter cpu --json",
            "baseline --adapter cpu --run run",
            "data grid",
            "data grid --split test --rows 1",
            "data grid --split test --columns 1",
            "data split",
            "train --resume run --epochs 3 --adapter cpu",
            "kfold --model tiny.toml --adapter cpu --epochs 1 --run-dir folds",
        ] {
            succeed(arguments);
        }
        // The components of a single sample do not exist.
        if train.len() > 2 {
            succeed("reduce --adapter cpu");
            succeed("baseline --adapter cpu --learners centroid,knn,tree --reduce none,pca:50,pca:0.9 -o reduced");
        }
    }
}

#[test]
fn what_shrinks_is_said_in_one_line() {
    let scratch = scratch(&[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], &[0, 1, 2, 3, 0, 1, 2]);
    let said = |arguments: &str, line: &str| assert_eq!(shrunk(&scratch.succeed(arguments)), [line], "{arguments}");
    said("data grid", "--rows 3 --columns 5 instead of 5 and 5: there are no more samples");
    said("data grid --columns 3", "--rows 4 --columns 3 instead of 5 and 3: there are no more samples");
    said("data grid --rows 6", "--rows 6 --columns 2 instead of 6 and 5: there are no more samples");
    said("reduce --adapter cpu", "--components 9 instead of 50: the training samples have no more");
    let tsne = "reduce --method tsne --adapter cpu --components 2";
    said(tsne, "--perplexity 2 instead of 30: there are 7 samples only");
    let baseline = "baseline --adapter cpu --learners knn --reduce pca:50";
    said(baseline, "pca:9 instead of pca:50: the training samples have no more components");
    // What was asked for and cannot be is an error with its remedy, as is what cannot be at all.
    for (arguments, code, part) in [
        ("data grid --rows 5 --columns 5", 2, "--rows 5 --columns 5: there are 12 samples only; give fewer"),
        ("data grid --rows 13", 2, "--rows 13: there are 12 samples only; give fewer"),
        ("reduce --adapter cpu --components 10", 2, "9 samples of 64 pixels have no 10 components; give 1 to 9"),
        ("reduce --adapter cpu --method tsne --perplexity 3", 2, "--perplexity 3: of 7 samples; give 1 to 2"),
        ("reduce --adapter cpu --method tsne --count 3", 2, "t-SNE of 3 samples: too few to be neighbours; give 4"),
    ] {
        scratch.run(arguments).failed(code, part);
    }
    let scratch = self::scratch(&[0, 1, 2], &[0]);
    let ended = scratch.succeed("kfold --model tiny.toml --adapter cpu --epochs 1 --run-dir folds");
    let batch = "--batch-size 2 instead of 512: there are no more samples to train with";
    assert_eq!(shrunk(&ended), ["--folds 3 instead of 5: there are no more samples", batch]);
    assert_eq!(fs::read_to_string(scratch.path("folds/kfold.csv")).unwrap().lines().count(), 4);
    scratch.run("kfold --model tiny.toml --adapter cpu --folds 4").failed(2, "--folds 4: not possible with 3 samples");
    let scratch = self::scratch(&[0, 1], &[0]);
    scratch.run("reduce --adapter cpu").failed(3, "no variance to explain in 1 training samples");
    let rows = scratch.succeed("baseline --adapter cpu --learners tree --reduce pca:1,none --json").json();
    assert!(rows[0]["error"].is_string() && rows[1]["error"].is_null(), "a reduction that fails is a row: {rows:?}");
    self::scratch(&[0], &[0]).run(&format!("{TRAIN} run")).failed(2, "1 samples cannot be divided; take");
}
